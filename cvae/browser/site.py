"""A static site of models: an index with a picture of each that moves, and one file for each.

python -m cvae.export --site DIR.
"""

import base64
import html
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from cvae import checkpoints, tasks
from cvae.browser import page
from cvae.config import Preset
from cvae.data import corruptions
from cvae.models import AnyModel
from cvae.presets import PRESETS
from cvae.sketches import digits

INDEX, HERE = "index.html", Path(__file__).parent
FACES = "lfw"  # the data set
LEAD = "Every model here decodes in your browser. Choose one to move through what it has learned."
# Read by a static Space of Hugging Face; .nojekyll keeps GitHub Pages from reading the files as templates
SPACE = """---
title: Latent digits
emoji: \N{INPUT SYMBOL FOR NUMBERS}
colorFrom: indigo
colorTo: blue
sdk: static
app_file: index.html
license: mit
---
Models of Latent digits, each in one file that decodes in the browser. Written by: python -m cvae.export --site
"""


def write(folder: Path) -> list[Path]:
    """Write the site of all models under checkpoints/ that make pictures into `folder`.

    Returns its files, the index first. ValueError where there is none, or where `folder` holds files of something else.
    """
    presets = _presets()
    names = [f"{preset.name}.html" for preset in presets]
    if not presets:
        raise ValueError(
            "there is no model that makes pictures under checkpoints/; train one with: python train.py vae-dense-2d"
        )
    known = {INDEX, "README.md", ".nojekyll", *names}
    if folder.exists() and (
        strange := sorted({path.name for path in folder.iterdir()} - known - {".git", ".gitattributes"})
    ):
        raise ValueError(f"{folder} holds {strange[0]!r}, which is not of this site; name an empty or a new folder.")
    cards: dict[str, list[str]] = {}
    for preset, name in zip(presets, names, strict=True):
        drawn = preset.model.image_shape == page.DRAWN
        checkpoints.write_text(folder / name, page.page(preset.name, preset.name, sheet=drawn or None, home=INDEX))
        cards.setdefault(_group(preset), []).append(_card(preset, name, (folder / name).stat().st_size))
    checkpoints.write_text(folder / INDEX, _index(cards))
    checkpoints.write_text(folder / "README.md", SPACE)
    checkpoints.write_text(folder / ".nojekyll", "")
    return [folder / INDEX, *(folder / name for name in names)]


def _presets() -> list[Preset]:
    """Return the presets of all runs that make pictures, called as their folders, in the order of the zoo."""
    runs = {name: checkpoints.load_preset(name) for name in checkpoints.list_runs()}
    order = [*(name for name in PRESETS if name in runs), *(name for name in runs if name not in PRESETS)]
    return [replace(runs[name], name=name) for name in order if runs[name].model.kind.draws]


def _group(preset: Preset) -> str:
    if preset.data.dataset == FACES:
        return "Faces"
    mends = preset.model.kind.cleans or preset.model.kind.completes
    return "Clean and complete" if mends else "Move through latent space"


def _card(preset: Preset, name: str, size: int) -> str:
    shown = base64.b64encode(poster(checkpoints.load_run(preset.name))).decode()
    return (
        f'<article><div class="picture" data-source="{html.escape(name)}">'
        f'<img alt="" src="data:image/png;base64,{shown}"></div>'
        f'<h3><a href="{html.escape(name)}">{html.escape(preset.name)}</a></h3>'
        f"<p>{html.escape(preset.summary)}.</p><small>{size / 1e6:.1f} MB</small></article>"
    )


def _index(cards: dict[str, list[str]]) -> str:
    sections = "".join(
        f'<h2>{group}</h2>\n<div class="cards">\n{chr(10).join(all_of)}\n</div>\n' for group, all_of in cards.items()
    )
    text = (HERE / "site.html").read_text(encoding="utf-8")
    for place, part in (("lead", LEAD), ("cards", sections), ("title", page.PROJECT)):
        text = text.replace(f"{{{{{place}}}}}", part)
    return text


def poster(model: AnyModel) -> bytes:
    """Return one picture of what a model makes, as PNG; the same every time."""
    made = examples(model, 1)[0]
    pixels = made.mul(255).round().byte().permute(1, 2, 0).numpy()
    return png(pixels)


def examples(model: AnyModel, n: int) -> Tensor:
    """Return n pictures (n, C, H, W) that a model makes: samples, or a drawn digit that is cleaned or completed."""
    config, generator = model.config, torch.Generator().manual_seed(2)
    if config.kind.cleans or config.kind.completes:
        x = _drawn(config.image_shape)
        if config.kind.cleans:
            return tasks.denoise(model, (x + 0.4 * torch.randn(n, *x.shape[1:], generator=generator)).clamp(0, 1))
        hole = "Centre" if model.preset.data.hole == "centre" else "Bottom half"
        visible = corruptions.preset_holes(config.image_shape[1:])[hole]
        return tasks.inpaint(model, x, visible[None], n_samples=n, generator=generator)[0]
    labels = torch.arange(2, 2 + n) % config.n_classes if config.n_classes else None
    return tasks.generate(model, labels, 0.7, generator, n=n)


def _drawn(shape: tuple[int, int, int]) -> Tensor:
    """Return the example of a file's sheet as the model sees it, (1, C, H, W)."""
    sheet = Image.new("L", (page.SHEET, page.SHEET))
    ImageDraw.Draw(sheet).line([tuple(point) for point in page.EXAMPLE], fill=255, width=22, joint="curve")
    x = digits.ink_to_digit(np.asarray(sheet))
    return torch.nn.functional.interpolate(x, shape[1:], mode="bilinear").expand(1, *shape)


def png(pixels: np.ndarray) -> bytes:
    """Return (H, W, 1 or 3) uint8 as PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(out, "PNG", optimize=True)
    return out.getvalue()
