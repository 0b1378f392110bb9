"""The sliders of one run from beginning to end, and the table of how well they do."""

from collections.abc import Callable
from typing import Any

from cvae import checkpoints
from cvae.evaluation import tables
from cvae.evaluation.options import Options
from cvae.morphology import MEASURES
from cvae.sliders import moved, stored
from cvae.sliders.fitting import fit

JUDGE = "judge"
NAMES = {measure.key: measure.name for measure in MEASURES}


def make(name: str, says: Callable[[str], None] = print, styles: int = 1000, seed: int = 0) -> dict[str, dict]:
    """Fit the sliders of a run of digits and measure them on `styles` of each label; write both, return the figures.

    ValueError for a model that can have none, FileNotFoundError without the judge.
    """
    model, judge = checkpoints.load_run(name), checkpoints.load_run(JUDGE)
    alike = tuple(model.config.image_shape) == tuple(judge.config.image_shape)
    alike = alike and tuple(model.preset.classes) == tuple(judge.preset.classes)
    if not (model.config.kind.latent and model.config.kind.decodes and model.config.kind.has_prior and alike):
        raise ValueError(f"sliders with names are for a VAE or CVAE of digits as {JUDGE} reads them; {name} is none.")
    folder = checkpoints.run_dir(name)
    sliders = fit(model, judge, seed, says)
    stored.save(folder, sliders)
    sliders = stored.load(folder)  # as the page will have them
    measuring = f"measuring {', '.join(sliders.kept)} on {styles:,} styles of each label"
    says(measuring if sliders.kept else "no slider keeps the reading and the other measures, so this model has none")
    measured = moved.figures(sliders, model, judge, styles)
    stored.save(folder, sliders, measured)
    return measured


def write(name: str, options: Options) -> None:
    """Make and measure the sliders of a run, as `make` says, and print the table of them."""
    measured = make(name, lambda line: print(f"{name}: {line}", flush=True), options.slider_styles, options.seed)
    if measured:
        print(markdown({name: measured}))


def figures(name: str) -> dict[str, Any]:
    """Return the figures stored with the sliders of a run, as docs/results.md looks for them; empty without sliders."""
    measured = stored.figures(checkpoints.run_dir(name))
    return {"sliders": measured} if measured else {}


def markdown(models: dict[str, dict[str, dict]]) -> str:
    """Return a table of figures by run and measure, as Markdown."""
    head = ["model", "slider", "styles", "rank correlation", "changes by", "largest drift", "still read at the ends"]
    rows = []
    for name, measured in models.items():
        for key, m in measured.items():
            drift, other = max((max(ends), NAMES[other].lower()) for other, ends in m["drift"].items())
            cells = [f"`{name}`", NAMES[key], f"{m['styles']:,}", f"{m['rank']:.3f}", f"{m['changes']:.1f}"]
            ends = " and ".join(f"{100 * share:.1f} %" for share in m["judged"])
            rows.append([*cells, f"{drift:.2f} ({other})", f"{ends} ({100 * m['start']:.1f} %)"])
    what = "Sliders with names, moved from end to end on random styles of each label; changes and drift in spreads, "
    what += "standard deviations of a measure within a label (in brackets: which measure drifts; unmoved):\n\n"
    return what + tables.table(head, rows, left=2)
