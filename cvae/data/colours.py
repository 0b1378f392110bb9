"""Any kind of PIL image as a person sees it: eight bits, colours of sRGB, what is transparent laid on a ground."""

import io

import numpy as np
from PIL import Image, ImageFilter

FLAT = 0.15  # difference in brightness below which what is opaque in a picture counts as one colour
SCALES = (1, 255, 1023, 4095, 16383, 65535)  # what white usually is
SHEET_SIDE = 64  # of the copy on which a sheet of paper is told from strokes
SHEET_CORE = 0.2  # share of what is opaque that is left of a sheet, and not of strokes, when its rim is taken off
FEWEST = 0.004  # share of a sheet that ink takes at least


def plain(image: Image.Image) -> Image.Image:
    """Return any loaded PIL image as L or RGB."""
    image = _in_srgb(image)
    if image.mode[0] in "IF":
        return Image.fromarray(_eight_bit(image))
    if image.has_transparency_data:
        return on_ground((image.convert("LA") if image.mode == "La" else image).convert("RGBA"))
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "LAB":  # without a profile that could be applied: its first channel is the lightness
        return image.getchannel(0)
    return image.convert("L" if image.mode == "1" else "RGB")


def shows_nothing(image: Image.Image) -> bool:
    """Tell whether a loaded picture is transparent all over."""
    if not image.has_transparency_data:
        return False
    if image.mode == "P" or "transparency" in image.info:  # of these a small copy tells
        image = image.resize([min(side, 1024) for side in image.size], Image.Resampling.NEAREST).convert("RGBA")
    highest = np.array(image.getextrema())[-1, 1]  # of the last channel, alpha
    return bool(highest < 8)


def on_ground(image: Image.Image) -> Image.Image:
    """Return an RGBA picture on the ground that contrasts with it, as RGB; a sheet of paper is continued instead."""
    ground = Image.new("RGB", image.size, _ground(image))
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _ground(image: Image.Image) -> tuple[int, int, int]:
    small = image.copy()
    small.thumbnail((4 * SHEET_SIDE, 4 * SHEET_SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float32) / 255
    colours, alpha = pixels[..., :3], pixels[..., 3]
    if alpha.max() < 0.03:
        return (255, 255, 255)
    grey = colours @ np.array([0.299, 0.587, 0.114], np.float32)
    opaque = alpha > 0.5 * alpha.max()
    middle = np.median(colours[opaque], axis=0)
    apart = np.abs(colours[opaque] - middle).max(-1)
    has_ink = (apart > FLAT).mean() > FEWEST and (apart < FLAT / 2).mean() > 0.5
    if has_ink and _is_sheet(opaque):
        red, green, blue = (round(255 * float(v)) for v in middle)
        return red, green, blue
    bright = float((grey * alpha).sum() / alpha.sum()) >= 0.5
    return (0, 0, 0) if bright else (255, 255, 255)


def _is_sheet(opaque: np.ndarray) -> bool:
    """Tell whether what is opaque (H, W) is one broad surface: strokes vanish when their rims are taken off."""
    mask = Image.fromarray(opaque.astype(np.uint8) * 255)
    mask = mask.crop(mask.getbbox())
    scale = SHEET_SIDE / min(mask.size)
    mask = mask.resize([min(8 * SHEET_SIDE, max(1, round(side * scale))) for side in mask.size], Image.Resampling.BOX)
    mask = mask.filter(ImageFilter.MedianFilter(3))  # holes of a pixel are none
    core = Image.new("L", [side + 2 for side in mask.size])
    core.paste(mask, (1, 1))
    for _ in range(SHEET_SIDE // 8):
        core = core.filter(ImageFilter.MinFilter(3))
    kept, all_of_it = ((np.asarray(picture) > 127).sum() for picture in (core, mask))
    return bool(kept > SHEET_CORE * all_of_it)


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return the picture in the colours of sRGB where it carries another profile, and LAB as RGB."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) and image.mode != "LAB" or image.mode not in ("RGB", "RGBA", "CMYK", "L", "LAB"):
        return image
    from PIL import ImageCms  # late: seldom needed

    try:
        is_lab = image.mode == "LAB"
        source = ImageCms.createProfile("LAB") if is_lab else ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        target = ImageCms.createProfile("sRGB")
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(image, source, target, outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # only the profile is damaged, or of another kind than the picture


def _eight_bit(image: Image.Image) -> np.ndarray:
    """Return 16-bit, 32-bit or float pixels as uint8; full scale is the least usual one that holds them.

    Where nothing comes near it, it is the highest value itself; values below 0 count from the lowest.
    """
    values = np.asarray(image, dtype=np.float64)
    known = values[np.isfinite(values)]
    if not known.size:
        return np.zeros(values.shape, np.uint8)
    lowest, highest = min(0.0, float(known.min())), float(known.max())
    values, highest = np.nan_to_num(values, nan=lowest, posinf=highest, neginf=lowest) - lowest, highest - lowest
    scale = next((s for s in SCALES if highest <= s), highest) if lowest == 0 else highest
    if image.mode.startswith("I;16"):
        scale = max(255, scale)
    elif highest < scale / 8:
        scale = highest
    return (values / (scale or 1) * 255).round().clip(0, 255).astype(np.uint8)
