"""One model as one HTML file, which decodes in the browser and asks nobody: python -m cvae.export NAME --html OUT."""

import base64
import html
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from safetensors import safe_open
from safetensors.torch import save

from cvae import checkpoints, maps, runs
from cvae.browser import program
from cvae.browser.script import slim
from cvae.config import ModelConfig, Preset
from cvae.models import AnyModel

PROJECT = "Latent digits"
HERE = Path(__file__).parent
SCRIPTS = ("runtime.js", "deck.js", "page.js", "morph.js", "player.js", "digits.js", "drawing.js", "preview.js")
PARTS = {"": ["decoder"], "reconstruct": ["decoder", "encoder"], "denoise": ["denoising"], "inpaint": ["decoder"]}
DRAWN = (1, 28, 28)  # the picture that a drawing becomes
SHEET = 280  # side of the sheet, in its own pixels
CURVE = [[84, 96], [104, 66], [140, 56], [176, 70], [186, 104], [168, 140], [128, 178]]
EXAMPLE = [*CURVE, [86, 220], [140, 214], [200, 220]]  # a 2
LIGHT = 1.6e6  # characters of weights up to which an encoder goes along unasked
SPAN, POINTS = 4.0, 2000  # the pad shows base coordinates from -SPAN to SPAN, with so many dots at most
LIMIT = 8 - 1 / 256  # of a coordinate, as in the addresses of the app
SAID = {"z", "label", "digit", "all"}  # what of a link says how a file opens
COLOURS = ("#4e79a7", "#f28e2b", "#e15759", "#59b5ae", "#59a14f", "#d4a90d", "#b07aa1", "#ff8fa3", "#9c755f", "#8b929e")


@dataclass(frozen=True)
class Contents:
    """What takes time to make of a file, and is the same wherever the file begins.

    It is text for its page, and `about` ready for JSON.
    """

    preset: Preset
    about: dict
    weights: str


def page(
    name: str | Path,
    title: str = "",
    labels: list[int] | None = None,
    start: str = "",
    sheet: bool | None = None,
    home: str = "",
) -> str:
    """Return the HTML of a run: a name under checkpoints/ or a path.

    `labels` are those that it offers, all by default. `start` is a link of the app or of such a file, whose point and
    label it opens with. With `sheet` one can also draw and see it reconstructed, which takes the encoder too; by
    default a file has that where it stays light, and a denoising or an inpainting model always has a sheet. `home` is
    the address that the file links back to. ValueError where a label, a link or the model does not fit.
    """
    return filled(contents(name, sheet), title, labels, start, home)


def contents(name: str | Path, sheet: bool | None = None) -> Contents:
    """Return what a run's file holds, wherever it begins; ValueError as of `page`."""
    model = checkpoints.load_run(name)
    use = _use(model.config, sheet)
    made = json.loads(program.stored(name) or program.text(model))
    weights = _weights(name, made, use)
    if use == "reconstruct" and sheet is None and len(weights) > LIGHT:
        use = ""
        weights = _weights(name, made, use)
    made["parts"] = {part: made["parts"][part] for part in PARTS[use]}
    about = {"name": model.preset.name, "program": made, "heading": "Label", "sheet": use, "example": EXAMPLE}
    about |= _dimensions(name, model.config)
    if use == "inpaint":
        about["hole"] = model.preset.data.hole
    if model.config.latent_dim == 2:
        about["map"] = _map(name, model)
    return Contents(model.preset, about, weights)


def filled(held: Contents, title: str = "", labels: list[int] | None = None, start: str = "", home: str = "") -> str:
    """Return the HTML of contents that open with a point, a label and a title; ValueError as of `page`."""
    preset = held.preset
    offered = _labels(preset, labels)
    data = held.about | {"labels": offered, "start": _start(start, preset.model, offered)}
    fields = {
        "title": html.escape(title or preset.name),
        "about": html.escape(preset.about),
        "footer": f"Made with {_link(home)}. All of it runs in this page; nothing is sent anywhere.",
        "css": _file("page.css"),
        "js": slim("\n".join(map(_file, SCRIPTS))),
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        "weights": held.weights,
        "kernel": _base64((HERE / "kernel.wasm").read_bytes()),
    }
    before, *rest = _file("page.html").split("{{")
    return before + "".join(fields[part.split("}}", 1)[0]] + part.split("}}", 1)[1] for part in rest)


def _use(config: ModelConfig, sheet: bool | None) -> str:
    """Return what the sheet of a model's file is for, "" where it has none; ValueError where there can be none."""
    kind = config.kind
    if not kind.draws:
        raise ValueError("an HTML file holds a model that makes pictures; this one is of the classifier family.")
    fits = config.image_shape == DRAWN
    wanted = fits if sheet is None else sheet
    use = "denoise" if kind.cleans else "inpaint" if kind.completes else "reconstruct" if wanted else ""
    if use and not fits:
        taken = f"this model takes {config.image_shape}"
        raise ValueError(f"a drawing becomes a grey picture of 28x28; {taken}. Leave --sheet out.")
    return use


def _link(home: str) -> str:
    """Return the project's name, as a link where there is an address for it; ValueError for what is none of the web."""
    if not home:
        return PROJECT
    if urlsplit(home).scheme not in ("", "http", "https") or not home.isprintable():
        wanted = "an address of the web, such as https://example.org"
        raise ValueError(f"the link back must be {wanted}; got {home[:60]!r}.")
    return f'<a href="{html.escape(home)}" target="_top">{PROJECT}</a>'


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _weights(name: str | Path, made: dict, use: str) -> str:
    """Return the tensors that these parts need, as they are stored: a safetensors file, deflated, as base64.

    Before that all its bytes of even place come before those of odd place: numbers in half precision then pack a
    twelfth smaller.
    """
    kept = {tensor for part in PARTS[use] for tensor in made["parts"][part]["tensors"]}
    with safe_open(checkpoints.run_dir(name) / checkpoints.WEIGHTS, "pt") as file:
        whole = save({tensor: file.get_tensor(tensor) for tensor in sorted(kept)})
    return _base64(zlib.compress(whole[::2] + whole[1::2], 9))


def _labels(preset: Preset, labels: list[int] | None) -> list[dict]:
    known, n = preset.classes, preset.model.n_classes
    if labels and not n:
        raise ValueError(f"{preset.name} takes no labels; leave --labels out.")
    wrong = [label for label in labels or () if not 0 <= label < n]
    if wrong:
        raise ValueError(f"labels must be whole numbers from 0 to {n - 1} with commas between them; got {wrong[0]}.")
    names = [known[i] if i < len(known) else str(i) for i in range(n)]
    digits = not known or tuple(known) == tuple("0123456789")
    chosen = range(n) if labels is None else dict.fromkeys(labels)
    return [{"label": i, "name": names[i], "called": f"Digit {names[i]}" if digits else names[i]} for i in chosen]


def _start(link: str, config: ModelConfig, offered: list[dict]) -> dict:
    """Return the point, the place among the labels and whether all are shown, as a link says.

    Where it does not say, they are the centre and the first.
    """
    parts = urlsplit(link)
    asked = {key: values[-1] for text in (parts.query, parts.fragment) for key, values in parse_qs(text).items()}
    if link.strip("?#") and not asked.keys() & SAID and parts.scheme not in ("http", "https", "file"):
        wanted = "an address of Explore or Generate, such as http://127.0.0.1:8501/Generate?label=7"
        raise ValueError(f"the start must be {wanted}; got {link[:60]!r}.")
    point = _point(asked["z"], config.latent_dim) if "z" in asked else [0.0] * config.latent_dim
    numbers = [str(label["label"]) for label in offered]
    wanted = asked.get("label", asked.get("digit", numbers[0] if numbers else ""))
    if numbers and wanted not in numbers:
        raise ValueError(f"the link starts with label {wanted}, which the file does not offer.")
    place = numbers.index(wanted) if numbers else 0
    return {"z": point, "label": place, "all": asked.get("all") == "1" and len(numbers) > 1}


def _point(text: str, dims: int) -> list[float]:
    """Return the point of an address: numbers with commas, or base64url of half precision as the app writes it."""
    try:
        if "," in text or dims == 1:
            point = [float(part) for part in text.split(",")]
        else:
            content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            point = list(struct.unpack(f"<{dims}e", content))
    except (ValueError, struct.error):
        point = []
    if len(point) != dims or not np.isfinite(point).all():
        raise ValueError(f"the link must hold a point z of {dims} numbers, as the address of Explore does.")
    return [float(np.clip(value, -LIMIT, LIMIT)) for value in point]


def _dimensions(name: str | Path, config: ModelConfig) -> dict:
    """Return the order of the sliders and the mean KL of each, where evaluate.py has measured it."""
    measured = runs.read(checkpoints.run_dir(name)).kl_per_dim(config.latent_dim)
    kl = measured and [round(value, 3) for value in measured]
    return {"kl": kl, "order": sorted(range(config.latent_dim), key=lambda d: -kl[d] if kl else 0)}


def _map(name: str | Path, model: AnyModel) -> dict:
    """Return what lies below the pad of a two-dimensional model: dots of encoded test pictures, a name for each class.

    Dots are three bytes each, column and row of 0 to 255 and the class; none where evaluate.py has made no map.
    """
    try:
        told = maps.load_map(name)
        u, labels = told.u.numpy(), told.labels.numpy()
    except (ValueError, OSError):
        u, labels = np.zeros((0, 2)), np.zeros(0, int)
    places = np.stack([u[:, 0], -u[:, 1]], axis=1) / SPAN
    inside = np.flatnonzero((abs(places) < 1).all(1))[:POINTS]
    dots = np.concatenate([127.5 * (places[inside] + 1), labels[inside, None]], axis=1).astype(np.uint8)
    known = model.preset.classes
    tags = [
        [x, y, known[c] if c < len(known) else str(c), COLOURS[c % len(COLOURS)]]
        for x, y, c in maps.landmarks(u, labels, SPAN)
    ]
    return {"points": _base64(dots.tobytes()), "tags": tags, "colours": COLOURS}
