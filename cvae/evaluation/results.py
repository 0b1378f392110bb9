"""docs/results.md, beside the folder of the checkpoints that it is about: tables of what their metrics.json hold."""

from pathlib import Path

from cvae import checkpoints, data, runs
from cvae.evaluation import sliders, tables
from cvae.evaluation.face_tables import face_tables
from cvae.evaluation.options import IW_SAMPLES
from cvae.evaluation.tables import Figures

BEGIN, END = "<!-- evaluate.py writes from here -->", "<!-- to here -->"


def page() -> Path:
    """Return where the page is, or would be: beside the checkpoints, so that others change no table of a clone."""
    return checkpoints.ROOT.parent / "docs" / "results.md"


def is_public(name: str) -> bool:
    """Tell whether a model learned from the digits or the faces that the page speaks of."""
    try:
        return checkpoints.load_preset(name).data.dataset.split(":")[0] in ("mnist", data.FACES)
    except (ValueError, FileNotFoundError):
        return False


def figures() -> Figures:
    """Return the figures of all models that the page speaks of; ValueError where a metrics.json is damaged."""
    measured = {name: runs.read(checkpoints.run_dir(name)) for name in checkpoints.list_runs() if is_public(name)}
    for run in measured.values():
        run.demand(runs.METRICS)
    return {name: run.metrics | sliders.figures(name) for name, run in measured.items()}


def write(path: Path, models: Figures) -> None:
    """Replace what stands between the two markers of the page; ValueError if markers or figures are missing."""
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} must hold the lines {BEGIN!r} and {END!r} around the table.")
    for name, measured in models.items():  # each alone, to name the one that is at fault
        try:
            markdown({name: measured})
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            remedy = f"measure it again with: python evaluate.py {name}"
            raise ValueError(f"{runs.METRICS} of {name} lacks figures; {remedy}") from error
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    checkpoints.write_text(path, before + BEGIN + "\n" + markdown(models) + END + after)


def markdown(models: Figures) -> str:
    """Return one Markdown table for each pixel protocol, because their likelihoods do not compare, then all else."""
    parts = []
    for protocol, title in tables.PIXELS.items():
        if rows := {name: m for name, m in models.items() if m.get("protocol") == protocol}:
            estimate = f"-log p estimated with {IW_SAMPLES:,} importance samples of each"
            parts.append(f"Test set, {title}, nats per image, {estimate}:\n\n" + tables.likelihoods(rows))
    if codes := {name: m for name, m in models.items() if "code" in m and "pca_mse" not in m}:
        parts.append("Plain autoencoders, test set:\n\n" + tables.codes(codes))
    parts += [tables.accuracy(name, m) for name, m in models.items() if "accuracy" in m]
    parts += face_tables({name: m for name, m in models.items() if "pca_mse" in m})
    parts += [tables.ink(name, m) for name, m in models.items() if "ink_iou" in m]
    parts += [tables.cleaning(name, m) for name, m in models.items() if "psnr" in m]
    parts += [tables.completions(name, m) for name, m in models.items() if "hole_mse" in m]
    parts += [tables.classification(name, m["classification"]) for name, m in models.items() if "classification" in m]
    if moved := {name: m["sliders"] for name, m in models.items() if "sliders" in m}:
        parts.append(sliders.markdown(moved))
    if costs := {name: m for name, m in models.items() if "parameters" in m}:
        parts.append("What they cost:\n\n" + tables.costs(costs))
    return "\n".join(parts)
