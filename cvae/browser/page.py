"""One model as one HTML file, which decodes in the browser and asks nobody: used by python -m cvae.export NAME --html OUT."""

import base64
import html
import json
import struct
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from safetensors import safe_open
from safetensors.torch import save

from cvae import checkpoints, maps, runs
from cvae.browser import program

HERE = Path(__file__).parent
SCRIPTS = ("runtime.js", "page.js", "player.js", "digits.js", "drawing.js")
PARTS = {"": ["decoder"], "reconstruct": ["decoder", "encoder"], "denoise": ["denoising"], "inpaint": ["decoder"]}
DRAWN = (1, 28, 28)  # the picture that a drawing becomes
SPAN, POINTS = 4.0, 2000  # the pad shows base coordinates from -SPAN to SPAN, with so many dots at most
COLOURS = ("#4e79a7", "#f28e2b", "#e15759", "#59b5ae", "#59a14f", "#d4a90d", "#b07aa1", "#ff8fa3", "#9c755f", "#8b929e")


def page(name: str | Path, title: str = "", labels: list[int] | None = None, start: str = "", sheet: bool = False) -> str:
    """Return the HTML of a run: a name under checkpoints/ or a path.

    `labels` are those that it offers, all by default. `start` is a link of the app or of such a file, whose point and label it
    opens with. With `sheet` one can also draw and see it reconstructed, which takes the encoder too; a denoising or an
    inpainting model always has one. ValueError where a label, the link or the model does not fit.
    """
    model = checkpoints.load_run(name)
    config, preset = model.config, model.preset
    use = _use(config, sheet)
    offered = _labels(model, labels)
    made = json.loads(program.stored(name) or program.text(model))
    made["parts"] = {part: made["parts"][part] for part in PARTS[use]}
    data = {
        "name": preset.name,
        "program": made,
        "labels": offered,
        "heading": "Label",
        "start": _start(start, config, offered),
        "sheet": use,
        **_dimensions(name, config),
    }
    if config.latent_dim == 2:
        data["map"] = _map(name, model)
    kept = {tensor for part in made["parts"].values() for tensor in part["tensors"]}
    fields = {
        "title": html.escape(title or preset.name),
        "about": html.escape(preset.about),
        "footer": "Made with Latent digits. All of it runs in this page; nothing is sent anywhere.",
        "css": _file("page.css"),
        "js": "\n".join(map(_file, SCRIPTS)),
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        "weights": _base64(_weights(checkpoints.run_dir(name) / checkpoints.WEIGHTS, kept)),
        "kernel": _base64((HERE / "kernel.wasm").read_bytes()),
    }
    before, *rest = _file("page.html").split("{{")
    return before + "".join(fields[part.split("}}", 1)[0]] + part.split("}}", 1)[1] for part in rest)


def _use(config, sheet: bool) -> str:
    """Return what the sheet of a model's file is for, "" where it has none; ValueError where there can be none."""
    kind = config.kind
    use = "denoise" if kind.cleans else "inpaint" if kind.completes else "reconstruct" if sheet else ""
    if not kind.draws:
        raise ValueError("an HTML file holds a model that makes pictures; this one is of the classifier family.")
    if use and config.image_shape != DRAWN:
        raise ValueError(f"a drawing becomes a grey picture of 28x28; this model takes {config.image_shape}. Leave --sheet out.")
    return use


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _weights(path: Path, kept: set[str]) -> bytes:
    """Return a safetensors file of the tensors that are needed, as they are stored."""
    with safe_open(path, "pt") as file:
        return save({name: file.get_tensor(name) for name in sorted(kept)})


def _labels(model, labels: list[int] | None) -> list[dict]:
    known, n = model.preset.classes, model.config.n_classes
    if labels and not n:
        raise ValueError(f"{model.preset.name} takes no labels; leave --labels out.")
    wrong = [label for label in labels or () if not 0 <= label < n]
    if wrong:
        raise ValueError(f"labels must be whole numbers from 0 to {n - 1} with commas between them; got {wrong[0]}.")
    names = [known[i] if i < len(known) else str(i) for i in range(n)]
    digits = not known or tuple(known) == tuple("0123456789")
    chosen = range(n) if labels is None else dict.fromkeys(labels)
    return [{"label": i, "name": names[i], "called": f"Digit {names[i]}" if digits else names[i]} for i in chosen]


def _start(link: str, config, offered: list[dict]) -> dict:
    """Return point and place among the labels that a link names; the centre and the first without a link."""
    parts = urlsplit(link)
    asked = {key: values[-1] for text in (parts.query, parts.fragment) for key, values in parse_qs(text).items()}
    point = _point(asked["z"], config.latent_dim) if "z" in asked else [0.0] * config.latent_dim
    numbers = [str(label["label"]) for label in offered]
    wanted = asked.get("label", asked.get("digit", numbers[0] if numbers else ""))
    if numbers and wanted not in numbers:
        raise ValueError(f"the link starts with label {wanted}, which the file does not offer.")
    return {"z": point, "label": numbers.index(wanted) if numbers else 0}


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
    return [float(np.clip(value, -SPAN, SPAN)) for value in point]


def _dimensions(name: str | Path, config) -> dict:
    """Return the order of the sliders and the mean KL of each, where evaluate.py has measured it."""
    measured = runs.read(checkpoints.run_dir(name)).kl_per_dim(config.latent_dim)
    kl = measured and [round(value, 3) for value in measured]
    return {"kl": kl, "order": sorted(range(config.latent_dim), key=lambda d: -kl[d] if kl else 0)}


def _map(name: str | Path, model) -> dict:
    """Return what lies below the pad of a two-dimensional model: dots of encoded test pictures, and a name for each class.

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
        [x, y, known[c] if c < len(known) else str(c), COLOURS[c % len(COLOURS)]] for x, y, c in maps.landmarks(u, labels, SPAN)
    ]
    return {"points": _base64(dots.tobytes()), "tags": tags, "colours": COLOURS}
