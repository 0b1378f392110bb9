"""Arrays to pictures: digits enlarged without blur, grids, strips and the class map, as PNG; photographs smaller."""

import base64
import html
import io

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

SPAN = 4.0  # the pad shows base coordinates from -SPAN to SPAN
PALETTE = (  # each of a contrast of 3 and more with the grounds of both themes
    *("#3471cc", "#dd6a00", "#e30a38", "#098b76", "#1aa11f", "#988806", "#9e62d9", "#e0529c", "#9e6161", "#7e8baa"),
    *("#5b4dff", "#217395", "#b83c82", "#207f1d", "#c57383", "#6f7945", "#8d569d", "#c24100", "#7381e0", "#9b5e04"),
)
STEP = "width:100%;aspect-ratio:1;object-fit:contain;background:#000;border-radius:6px;image-rendering:pixelated"
BESIDE = "font-size:.85rem;white-space:nowrap;min-width:2.6rem"  # a caption left of its strip
BELOW = "font-size:.8rem;text-align:center;opacity:.75;margin-top:.25rem"  # one below its picture
GROWS = "margin:0;flex:1;min-width:0;max-width:calc(var(--stage, 20rem) - 5rem)"  # with the window
ENLARGED = {1: 4, 3: 2}  # a pixel's side in a strip, by channels; 2, for WebP keeps one colour for four pixels
DIFFERENCE = ("#58a6ff", "#1d5fae", "#000000", "#c2571a", "#ffb454")
HEAT = ("#000000", "#4a1173", "#b5367a", "#fb8761", "#fcfdbf")


def to_uint8(x: Tensor) -> np.ndarray:
    """Return pictures (N, C, H, W) in [0, 1] as (N, H, W, C) uint8."""
    return x.mul(255).round().byte().permute(0, 2, 3, 1).numpy()


def quantised(x: Tensor) -> Tensor:
    """Return pictures in [0, 1] at the 256 levels of a file, so that a link holds them exactly."""
    return x.mul(255).round() / 255


def grey(x: Tensor) -> np.ndarray:
    """Return grey pictures (N, 1, H, W) in [0, 1] as RGB, (N, H, W, 3) uint8."""
    return to_uint8(x).repeat(3, axis=3)


def signed(difference: Tensor) -> np.ndarray:
    """Return differences (N, 1, H, W) in [-1, 1] as RGB uint8: orange is too bright, blue too dark, black right."""
    return _ramp(difference, DIFFERENCE, -1.0, 1.0)


def heat(spread: Tensor) -> np.ndarray:
    """Return standard deviations (N, 1, H, W) in [0, 0.5], which is all there can be, as RGB uint8, black to yellow."""
    return _ramp(spread, HEAT, 0.0, 0.5)


def _ramp(values: Tensor, colours: tuple[str, ...], low: float, high: float) -> np.ndarray:
    places = np.linspace(low, high, len(colours))
    channels = np.array([tuple(bytes.fromhex(c[1:])) for c in colours]).T
    flat = values[:, 0].numpy()
    return np.stack([np.interp(flat, places, channel) for channel in channels], axis=-1).round().astype(np.uint8)


def grid_png(x: Tensor, columns: int, scale: int = 4, gap: int = 6, radius: int = 6) -> bytes:
    """Return `grid` as PNG."""
    return png(grid(x, columns, scale, gap, radius))


def grid(x: Tensor, columns: int, scale: int, gap: int, radius: int) -> np.ndarray:
    """Return pictures (N, C, H, W) in [0, 1] as one, (H, W, C + 1) uint8, row by row, on a transparent ground.

    Every pixel becomes scale x scale; gap and radius (of the rounded corners) are in pixels of what is returned.
    """
    tiles = to_uint8(x).repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = tiles.shape[1:3]
    corners = np.broadcast_to(_rounded(height, width, radius), (len(tiles), height, width, 1))
    tiles = np.concatenate([tiles, corners], axis=3)
    rows = -(-len(tiles) // columns)
    edges = (0, rows * columns - len(tiles)), (0, gap), (0, gap), (0, 0)
    tiles = np.pad(tiles, edges)
    _, height, width, channels = tiles.shape
    tiles = tiles.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return tiles.reshape(rows * height, columns * width, channels)[: rows * height - gap, : columns * width - gap]


def png(pixels: np.ndarray) -> bytes:
    """Return (H, W) or (H, W, C) uint8 as PNG; two channels are grey and opacity, four are colour and opacity."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def source(pixels: np.ndarray) -> str:
    """Return what `grid` returns as an address for an img: grey as PNG, photographs as WebP, a fifth of the bytes."""
    if pixels.shape[2] == 2:
        return f"data:image/png;base64,{base64.b64encode(png(pixels)).decode()}"
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", quality=90, method=2)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def strips_html(rows: list[tuple[str, Tensor]], alt: str, columns: int = 0) -> str:
    """Return HTML with one captioned strip of pictures per row; rows are (caption, pictures (N, C, H, W)).

    A strip of more than `columns` pictures goes on below itself, unless columns is 0.
    """
    figures = []
    for caption, pictures in rows:
        scale = ENLARGED[pictures.shape[1]]
        strip = grid(pictures, columns or len(pictures), scale, 3 * scale // 2, 3 * scale // 2)
        height, width = strip.shape[:2]  # for the browser, so that nothing jumps while it decodes
        style = f"flex:1;min-width:0;width:100%;height:auto;aspect-ratio:{width}/{height}"
        caption = html.escape(caption)
        image = f'<img style="{style}" alt="{html.escape(alt)}, {caption}" decoding="sync" src="{source(strip)}">'
        if caption:
            image = f'<figcaption style="{BESIDE}">{caption}</figcaption>{image}'
        figures.append(f'<figure style="display:flex;align-items:center;gap:.5rem;margin:0 0 .35rem">{image}</figure>')
    return saved("".join(figures), alt)


def saved(inner: str, name: str) -> str:
    """Return HTML that *Save* offers as one picture of this name."""
    return f'<div data-save="{html.escape(name)}">{inner}</div>'


def steps_html(steps: list[tuple[str, np.ndarray]]) -> str:
    """Return HTML with one captioned picture per step; steps are (caption, grey picture (H, W) uint8)."""
    figures = []
    for caption, picture in steps:
        data, caption = base64.b64encode(png(picture)).decode(), html.escape(caption)
        image = f'<img alt="{caption}" style="{STEP}" src="data:image/png;base64,{data}">'
        image += f'<figcaption style="font-size:.8rem">{caption}</figcaption>'
        figures.append(f'<figure style="margin:0;width:6.5rem">{image}</figure>')
    return f'<div style="display:flex;flex-wrap:wrap;gap:.6rem">{"".join(figures)}</div>'


def scatter_png(u: np.ndarray, labels: np.ndarray, span: float, side: int = 640) -> bytes:
    """Return points u (N, 2) coloured by label as a transparent square PNG from -span to span, y upward."""
    picture = Image.new("P", (side, side), 0)
    colours = [tuple(bytes.fromhex(c[1:])) for c in PALETTE]
    picture.putpalette([0, 0, 0, *(value for colour in colours for value in colour)])
    draw = ImageDraw.Draw(picture)
    xy = (np.stack([u[:, 0], -u[:, 1]], axis=1) / span + 1) * side / 2
    for (x, y), label in zip(xy.tolist(), labels.tolist(), strict=True):
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=1 + label % len(colours))
    out = io.BytesIO()
    picture.save(out, "PNG", transparency=0)
    return out.getvalue()


def _rounded(height: int, width: int, radius: int) -> np.ndarray:
    """Return the opacity (H, W, 1) uint8 of a rectangle with rounded corners."""
    mask = Image.new("L", (width, height), 0 if radius else 255)
    if radius:
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), radius, fill=255)
    return np.asarray(mask)[..., None]


def strip_jpeg(x: Tensor) -> bytes:
    """Return pictures (N, 3, H, W) in [0, 1] side by side as one JPEG."""
    return jpeg(np.concatenate(list(to_uint8(x)), axis=1))


def jpeg(pixels: np.ndarray) -> bytes:
    """Return RGB pixels (H, W, 3) uint8 as JPEG, colours as sharp as the rest."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90, subsampling=0)
    return out.getvalue()


def figures_html(figures: list[tuple[str, np.ndarray]]) -> str:
    """Return HTML with captioned colour pictures side by side; figures are (caption, (H, W, 3) uint8)."""
    style = "width:100%;aspect-ratio:1;border-radius:8px;display:block"
    parts = []
    for caption, pixels in figures:
        data, caption = base64.b64encode(png(pixels)).decode(), html.escape(caption)
        picture = f'<img alt="{caption}" style="{style}" src="data:image/png;base64,{data}">'
        words = f'<figcaption style="{BELOW}">{caption}</figcaption>'
        parts.append(f'<figure style="{GROWS}">{picture}{words}</figure>')
    whole = f'<div data-smooth style="display:flex;gap:1rem;justify-content:center">{"".join(parts)}</div>'
    return saved(whole, ", ".join(caption for caption, _ in figures))
