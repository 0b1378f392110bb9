"""Pictures from anywhere, by one door: files that are uploaded, files of a folder, and any kind of PIL image."""

import io
import struct
import warnings
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps

from cvae.data import colours

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF", "HEIF")  # of uploads
SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "avif", "heic", "heif")  # of their names
FOLDER_FORMATS = (*FORMATS, "TIFF", "PPM")
MAX_BYTES = 5 * 2**20  # of an upload
MAX_MEGAPIXELS, MAX_MEGAPIXELS_HEAVY = 40, 16
HEAVY = {"WEBP", "AVIF", "CMYK"}  # formats and modes whose decoders hold several copies of the whole picture
MAX_SCANS = 100  # a progressive JPEG has about ten; thousands would keep a processor busy for minutes
WORK_SIDE = 1024  # a thin pen line on a photograph is still some pixels wide
DRAFT_SIDE = 768  # a JPEG may be decoded at a half, a quarter or an eighth of its size, but not below this
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # bytes 8 to 12 of a file
UNTURNED = "unturned"  # under this name a picture keeps the orientation that its decoder did not apply
NO_INK = "No digit stands out in the picture; draw or photograph one digit with a pen that contrasts with its ground."
UNREAD = "The file is not a picture that can be read"
TRANSPARENT = "The picture is transparent all over, so it shows nothing; save it again with what it should show."

# the size is judged here; once and for all, as filters of warnings are shared by all threads
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def open_picture(content: bytes) -> Image.Image:
    """Return the first frame of an uploaded file as a person sees it: L or RGB, upright, no side above 1024 pixels.

    Its camera's orientation and colour profile are applied, what is transparent lies on a ground that contrasts, 16
    bits become 8. Reads PNG, JPEG, WebP, GIF, BMP, AVIF and HEIC up to 5 MB and 40 megapixels (16 in WebP, AVIF and
    CMYK), decided before anything is decoded. ValueError says in one sentence what is wrong with any other file and
    what to do.
    """
    if not content:
        raise ValueError("The file is empty (0 bytes); choose a picture such as a PNG or a JPEG.")
    if len(content) > MAX_BYTES:
        megabytes = len(content) / 2**20
        raise ValueError(f"The file has {megabytes:.1f} MB and at most 5 MB are read; save the picture smaller.")
    return _opened(io.BytesIO(content), FORMATS)


def open_file(path: Path) -> Image.Image:
    """Return the first frame of a file of any length, as `open_picture` does.

    TIFF, PGM and PPM are read too. ValueError also for one that is transparent all over: nobody means to train on it.
    """
    if path.stat().st_size == 0:
        raise ValueError("The file is empty (0 bytes); save the picture again.")
    with path.open("rb") as stream:
        return _opened(stream, FOLDER_FORMATS, blank=False)


def is_picture(path: Path) -> bool:
    """Tell whether a file begins as a picture of a format that is read from folders."""
    try:
        check_file(path)
    except ValueError as error:
        return UNREAD not in str(error)
    return True


def check_file(path: Path) -> None:
    """Raise ValueError, as `open_file` does, for what the beginning of a file tells."""
    with path.open("rb") as stream:
        _judged(stream, FOLDER_FORMATS)


def _judged(stream: IO[bytes], formats: tuple[str, ...]) -> Image.Image:
    """Return a picture of which nothing is decoded, of a size that is read; ValueError for any other."""
    image = _identified(stream, formats)
    width, height = image.size
    limit = MAX_MEGAPIXELS_HEAVY if HEAVY & {image.format, image.mode} else MAX_MEGAPIXELS
    if width * height > limit * 1e6:
        got = f"The picture has {width} x {height} pixels"
        raise ValueError(f"{got} and at most {limit} megapixels are read; save it smaller.")
    return image


def _opened(stream: IO[bytes], formats: tuple[str, ...], blank: bool = True) -> Image.Image:
    image = _judged(stream, formats)
    if image.format in ("JPEG", "MPO") and _whole(stream).count(b"\xff\xda") > MAX_SCANS:
        raise ValueError("The JPEG has far too many scans to be a photograph; save it again as a plain JPEG or PNG.")
    if image.format == "HEIF" and not any(box in _whole(stream) for box in (b"irot", b"imir")):
        # turned by EXIF alone, which the standard does not foresee: the decoder took the note away and did not turn
        image.info[UNTURNED] = image.info.get("original_orientation")
    try:
        if max(image.size) > DRAFT_SIDE:
            image.draft(None, fitting(image.size, DRAFT_SIDE))  # only JPEG heeds it
        image.load()
        nothing, picture = colours.shows_nothing(image), prepared(image)
    except Exception as error:  # damaged files raise nearly everything: OSError, SyntaxError, MemoryError ...
        raise ValueError("The picture is damaged or incomplete; save or upload it again.") from error
    if nothing and not blank:
        raise ValueError(TRANSPARENT)
    return picture


def _identified(stream: IO[bytes], formats: tuple[str, ...]) -> Image.Image:
    """Return the picture with its header read, nothing decoded."""
    try:
        if stream.read(12)[4:] in {b"ftyp" + brand for brand in HEIF_BRANDS}:
            _read_heif()
        stream.seek(0)
        image = Image.open(stream, formats=[name for name in formats if name in _readable()])
    except Image.DecompressionBombError as error:
        raise ValueError("The picture has far more than the 40 megapixels that are read; save it smaller.") from error
    except Exception as error:  # see _opened
        remedy = "choose PNG, JPEG, WebP, GIF, BMP, AVIF or HEIC"
        raise ValueError(f"{UNREAD}; {remedy}.") from error
    if 0 in image.size:
        raise ValueError("The picture has no pixels; save or upload it again.")
    return image


def _whole(stream: IO[bytes]) -> bytes:
    """Return all bytes of a stream, which stays where it was."""
    at = stream.tell()
    stream.seek(0)
    content = stream.read()
    stream.seek(at)
    return content


def _read_heif() -> None:
    """Let Pillow read HEIC, the pictures of phones."""
    import pillow_heif  # late: it brings a decoder of 15 MB, which few files need

    pillow_heif.register_heif_opener(thumbnails=False)


def _readable() -> set[str]:
    Image.init()
    return set(Image.OPEN)  # AVIF is missing from some builds of Pillow


def prepared(image: Image.Image) -> Image.Image:
    """Return any PIL image as L or RGB, upright, no side longer than WORK_SIDE; ValueError without pixels."""
    if 0 in image.size:
        raise ValueError(NO_INK)
    image.load()
    small = image
    if image.mode not in ("L", "RGB") and max(image.size) > 2 * WORK_SIDE:
        # converting all of it would take much memory
        small = image.resize(fitting(image.size, 2 * WORK_SIDE), Image.Resampling.NEAREST)
    small = colours.plain(small)
    if max(small.size) > WORK_SIDE:
        small = small.resize(fitting(small.size, WORK_SIDE), Image.Resampling.BOX)
    return _upright(small, image)


def _upright(small: Image.Image, image: Image.Image) -> Image.Image:
    """Return a picture turned as the camera of the one that it was made from says."""
    try:
        turned = Image.Exif()
        turned[0x0112] = image.info.get(UNTURNED) or image.getexif().get(0x0112, 1)
        small = small.copy() if small is image else small
        small.info = {"exif": turned.tobytes()}
        return ImageOps.exif_transpose(small)
    except (OSError, SyntaxError, TypeError, ValueError, LookupError, ArithmeticError, struct.error):
        return small  # only EXIF is damaged


def grey(image: Image.Image) -> np.ndarray:
    """Return the brightness of a picture that is L or RGB, float32 (H, W) in [0, 1]."""
    return np.asarray(image.convert("L"), dtype=np.float32) / 255


def fitting(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return two sides scaled so that the longer becomes `longest`, neither below 1."""
    scale = longest / max(shape)
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
