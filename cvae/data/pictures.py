"""Pictures from anywhere: uploaded files, opened safely, and any kind of PIL image as plain brightness."""

import io
import struct

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF")
MAX_BYTES = 5 * 2**20
MAX_MEGAPIXELS, MAX_MEGAPIXELS_HEAVY = 40, 16
HEAVY = {"WEBP", "AVIF", "CMYK"}  # formats and modes whose decoders hold several copies of the whole picture
MAX_SCANS = 100  # a progressive JPEG has about ten; thousands would keep a processor busy for minutes
WORK_SIDE = 1024  # a thin pen line on a photograph is still some pixels wide
DRAFT_SIDE = 768  # a JPEG may be decoded at a half, a quarter or an eighth of its size, but not below this
FLAT = 0.15  # difference in brightness below which what is opaque in a picture counts as one colour
NO_INK = "No digit stands out in the picture; draw or photograph one digit with a pen that contrasts with its ground."


def open_picture(content: bytes) -> Image.Image:
    """Return the first frame of an uploaded file: L, RGB or RGBA, upright, its longest side at most 1024 pixels.

    Reads PNG, JPEG, WebP, GIF, BMP and AVIF up to 5 MB and 40 megapixels (16 in WebP, AVIF and CMYK), decided before
    anything is decoded. ValueError says in one sentence what is wrong with any other file and what to do.
    """
    if not content:
        raise ValueError("The file is empty (0 bytes); choose a picture such as a PNG or a JPEG.")
    if len(content) > MAX_BYTES:
        megabytes = len(content) / 2**20
        raise ValueError(f"The file has {megabytes:.1f} MB and at most 5 MB are read; save the picture smaller.")
    image = _identified(content)
    width, height = image.size
    limit = MAX_MEGAPIXELS_HEAVY if HEAVY & {image.format, image.mode} else MAX_MEGAPIXELS
    if width * height > limit * 1e6:
        got = f"The picture has {width} x {height} pixels"
        raise ValueError(f"{got} and at most {limit} megapixels are read; save it smaller.")
    if image.format in ("JPEG", "MPO") and content.count(b"\xff\xda") > MAX_SCANS:
        raise ValueError("The JPEG has far too many scans to be a photograph; save it again as a plain JPEG or PNG.")
    try:
        longest = max(width, height)
        draft = max(1, width * DRAFT_SIDE // longest), max(1, height * DRAFT_SIDE // longest)
        image.draft(None, draft)  # only JPEG heeds it
        return prepared(image)
    except Exception as error:  # damaged files raise nearly everything: OSError, SyntaxError, MemoryError ...
        raise ValueError("The picture is damaged or incomplete; save or upload it again.") from error


def _identified(content: bytes) -> Image.Image:
    """Return the picture with its header read, nothing decoded."""
    try:
        image = Image.open(io.BytesIO(content), formats=[name for name in FORMATS if name in _readable()])
    except Image.DecompressionBombError as error:
        raise ValueError("The picture has far more than the 40 megapixels that are read; save it smaller.") from error
    except Exception as error:  # see open_picture
        remedy = "choose PNG, JPEG, WebP, GIF, BMP or AVIF (save HEIC as JPEG first)"
        raise ValueError(f"The file is not a picture that can be read; {remedy}.") from error
    if 0 in image.size:
        raise ValueError("The picture has no pixels; save or upload it again.")
    return image


def _readable() -> set[str]:
    Image.init()
    return set(Image.OPEN)  # AVIF is missing from some builds of Pillow


def prepared(image: Image.Image) -> Image.Image:
    """Return any PIL image as L, RGB or RGBA, upright, no side longer than WORK_SIDE; ValueError without pixels."""
    if 0 in image.size:
        raise ValueError(NO_INK)
    image.load()
    small = image
    if image.mode not in ("L", "RGB") and max(image.size) > 2 * WORK_SIDE:
        # converting all of it would take much memory
        small = image.resize(fitting(image.size, 2 * WORK_SIDE), Image.Resampling.NEAREST)
    small = _plain(small)
    if max(small.size) > WORK_SIDE:
        small = small.resize(fitting(small.size, WORK_SIDE), Image.Resampling.BOX)
    try:
        return ImageOps.exif_transpose(small)
    except (OSError, SyntaxError, TypeError, ValueError, LookupError, ArithmeticError, struct.error):
        return small  # only EXIF is damaged


def _plain(image: Image.Image) -> Image.Image:
    if image.mode in ("L", "RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode[0] in "IF":
        plain = Image.fromarray(_eight_bit(image))
        plain.info = image.info
        return plain
    if image.mode == "LAB":  # Pillow does not convert it; its first channel is the lightness
        return image.getchannel(0)
    if image.has_transparency_data:
        return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def _eight_bit(image: Image.Image) -> np.ndarray:
    """Return 16-bit, 32-bit or float pixels as uint8; full scale is 65535, or the least usual one that holds them."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32)).clip(0)
    highest = values.max()
    scale = 65535 if image.mode.startswith("I;16") else next((s for s in (1, 255, 65535) if highest <= s), highest)
    return (values / scale * 255).astype(np.uint8)


def grey(image: Image.Image) -> np.ndarray:
    """Return the brightness of a picture that is L, RGB or RGBA, float32 (H, W) in [0, 1].

    What is transparent becomes ground. ValueError where nothing is opaque.
    """
    grey = np.asarray(image.convert("L"), dtype=np.float32) / 255
    if image.mode != "RGBA":
        return grey
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / 255
    opaque = grey[alpha > 0.5]
    if not opaque.size:
        raise ValueError(NO_INK)
    low, high = np.percentile(opaque, [2, 98])
    has_ground = opaque.size > grey.size / 2 and high - low > FLAT  # else what is opaque is ink alone
    ground = np.median(opaque) if has_ground else float(opaque.mean() < 0.5)
    return grey * alpha + ground * (1 - alpha)


def fitting(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return two sides scaled so that the longer becomes `longest`, neither below 1."""
    scale = longest / max(shape)
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
