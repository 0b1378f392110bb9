"""A model and its card on the Hugging Face hub, for load_run("user/repo"): cvae-export NAME --hub USER/NAME."""

import importlib.util
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cvae import checkpoints, documents
from cvae.browser import program, site
from cvae.config import Preset
from cvae.models import AnyModel

FILES = (
    checkpoints.CONFIG,
    checkpoints.WEIGHTS,
    program.PROGRAM,
    checkpoints.METRICS,
    checkpoints.HISTORY,
)  # those that there are
CARD, PICTURE = "README.md", "samples.png"
SETS = {
    "mnist": ("ylecun/mnist", "MNIST"),
    "lfw": ("lfw", "Labeled Faces in the Wild"),
}  # data set -> its name on the hub and in text
FIGURES = {  # of metrics.json -> what the card calls it
    "log_likelihood": "log p(x given y), or log p(x) without labels, nats per image",
    "log_marginal": "log p(x), nats per image",
    "elbo": "evidence lower bound, nats per image",
    "nll": "reconstruction term -log p(x given z), nats per image",
    "kl": "KL divergence of the posterior from the prior, nats per image",
    "mse": "mean squared error of a reconstruction",
    "ssim": "structural similarity of a reconstruction",
    "judge_accuracy": "share of samples that a classifier reads as the class asked for",
    "accuracy": "share of test pictures classified right",
    "diversity": "distance between two samples, divided by that between two test pictures",
}
WITHIN = {  # of metrics.json, with a figure for each of several damages -> how to say one, and where it stands
    "hole_mse": ("mean squared error of a completion, {}", ()),
    "psnr": ("PSNR of what is cleaned, dB, {}", ("after",)),
}
ROWS, COLUMNS, GAP = 4, 10, 2  # of the picture; pixels between two samples


class Figure(NamedTuple):
    """One measured number: what the hub calls its kind, what a reader calls it, and its value."""

    kind: str
    says: str
    value: float


def put(name: str, repository: str) -> str:
    """Upload a run and its card to a model repository of the hub, made where there is none; return its address.

    ValueError in one sentence as of `write`, and where the upload fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        write(name, Path(folder), repository)
        from huggingface_hub import HfApi

        try:
            hub = HfApi()
            hub.create_repo(repository, exist_ok=True)
            hub.upload_folder(repo_id=repository, folder_path=folder, commit_message=f"Add {name}")
        except Exception as error:  # noqa: BLE001 - a connection fails in more ways than the hub's own errors name
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ValueError(
                f"{repository} was not uploaded; log in with: hf auth login, and check the connection: {reason}"
            ) from error
    return f"https://huggingface.co/{repository}"


def write(name: str, folder: Path, repository: str) -> None:
    """Write into `folder` what the hub is to hold of a run: its files, a picture of what it makes, and its card.

    ValueError in one sentence for a repository's name that is none, and without huggingface_hub.
    """
    if not checkpoints.HUB_NAME.fullmatch(repository):
        raise ValueError(f"a repository of the hub is called USER/NAME, such as anna/digits; got {repository!r}.")
    if not importlib.util.find_spec("huggingface_hub"):
        remedy = "install with: pip install -r requirements-extra.txt"
        raise ValueError(f"putting a model on the hub needs huggingface_hub; {remedy}")
    folder.mkdir(parents=True, exist_ok=True)
    model, source = checkpoints.load_run(name), checkpoints.run_dir(name)
    for file in FILES:
        if (source / file).is_file():
            shutil.copyfile(source / file, folder / file)
    draws = model.config.kind.draws
    if draws:
        (folder / PICTURE).write_bytes(picture(model))
    (folder / CARD).write_text(card(model.preset, _figures(source), repository, draws), encoding="utf-8")


def card(preset: Preset, figures: list[Figure], repository: str, pictured: bool) -> str:
    """Return the card of a model: the metadata that the hub reads, and what a reader wants to know."""
    called = SETS.get(preset.data.dataset, ("", "pictures of its maker"))[1]
    rows = "".join(f"| {figure.says} | {figure.value:.4g} |\n" for figure in figures)
    table = f"Measured on the test pictures:\n\n| figure | value |\n|---|---:|\n{rows}\n" if figures else ""
    shown = f"![Pictures that {preset.name} makes]({PICTURE})\n\n" if pictured else ""
    load = f'from cvae.checkpoints import load_run\n\nmodel = load_run("{repository}")  # in eval mode, on the CPU'
    return (
        f"---\n{metadata(preset, figures)}\n---\n# {preset.name}\n\n{preset.about}\n\n{shown}"
        f"It learned from {called}, and the package `cvae` of Latent digits loads it. "
        f"The weights are safetensors; nothing is unpickled.\n\n```python\n{load}\n```\n\n"
        f"{table}Trained by: `python train.py {preset.name}`. The licence is MIT.\n"
    )


def metadata(preset: Preset, figures: list[Figure]) -> str:
    """Return the head of a card as YAML, in the form that the hub reads."""
    from huggingface_hub import EvalResult, ModelCardData  # late: among the optional requirements

    kind, dataset = preset.model.kind, preset.data.dataset
    identifier, called = SETS.get(dataset, ("", ""))
    task = "unconditional-image-generation" if kind.draws else "image-classification"
    if kind.cleans or kind.completes:
        task = "image-to-image"
    of: dict[str, Any] = {
        "task_type": task,
        "dataset_type": identifier or dataset,
        "dataset_name": called or dataset,
        "dataset_split": "test",
    }
    results = [EvalResult(metric_type=f.kind, metric_value=f.value, metric_name=f.says, **of) for f in figures]
    data = ModelCardData(
        license="mit",
        library_name="latent-digits",
        pipeline_tag=task,
        tags=["pytorch", "safetensors", preset.model.kind.title.lower().replace(" ", "-")],
        datasets=[identifier] if identifier else None,
        model_name=preset.name,
        eval_results=results or None,
    )
    return data.to_yaml()


def picture(model: AnyModel) -> bytes:
    """Return a sheet of pictures that a model makes, ROWS x COLUMNS, as PNG."""
    made = site.examples(model, ROWS * COLUMNS).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    _, height, width, channels = made.shape
    framed = np.pad(made, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    rows = framed.reshape(ROWS, COLUMNS, height + GAP, width + GAP, channels).swapaxes(1, 2)
    return site.png(rows.reshape(ROWS * (height + GAP), COLUMNS * (width + GAP), channels)[:-GAP, :-GAP])


def _figures(folder: Path) -> list[Figure]:
    """Return what of FIGURES and WITHIN has been measured of a run, whatever else its metrics.json holds."""
    try:
        measured = documents.parsed(documents.text(folder / checkpoints.METRICS))
    except (OSError, ValueError):
        return []
    if not isinstance(measured, dict):
        return []
    told = [(key, says, measured.get(key)) for key, says in FIGURES.items()]
    for key, (says, path) in WITHIN.items():
        several = measured.get(key)
        for name, value in several.items() if isinstance(several, dict) else ():
            for step in path:
                value = value.get(step) if isinstance(value, dict) else None
            told.append((key, says.format(name), value))
    numbers = ((key, says, value) for key, says, value in told if isinstance(value, int | float))
    return [Figure(key, says, value) for key, says, value in numbers if math.isfinite(value)]
