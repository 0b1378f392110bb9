"""One door for every picture: whatever kind of file it comes in, it is opened as a person sees it."""

import io
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageDraw

from cvae.data import colours, pictures
from cvae.preprocess import to_digit
from tests.conftest import ROOT


def written(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(image: Image.Image, kind: str, folder=None, **options) -> Image.Image:
    """Return an image as the door gives it back from a file: of a folder, or else uploaded."""
    content = written(image, kind, **options)
    if folder is None:
        return pictures.open_picture(content)
    (folder / "picture").write_bytes(content)
    return pictures.open_file(folder / "picture")


def four(ink: int = 0, ground: int = 255, size: int = 200) -> Image.Image:
    """Return an open four, its strokes a twelfth of the side wide."""
    image = Image.new("L", (4 * size, 4 * size), ground)
    for line in ([(250, 150), (200, 450), (560, 450)], [(500, 150), (480, 700)]):
        points = [(x * size // 200, y * size // 200) for x, y in line]
        ImageDraw.Draw(image).line(points, fill=ink, width=size // 3, joint="curve")
    return image.resize((size, size), Image.Resampling.BOX)


def corners(image: Image.Image) -> list[int]:
    """Return the brightness of the four corners, clockwise from the upper left one."""
    right, low = image.width - 1, image.height - 1
    return [image.convert("L").getpixel(at) for at in ((0, 0), (right, 0), (right, low), (0, low))]


def apart(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a.convert("RGB"), float) - np.asarray(b.convert("RGB"), float)).mean())


@pytest.mark.parametrize("noted", [True, False])  # a HEIC gets its turn as a box of its own, or else in EXIF alone
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "HEIF"])
def test_a_picture_that_was_taken_lying_stands(kind, noted, tmp_path):
    picture = Image.new("RGB", (80, 60), "black")
    picture.paste("white", (40, 0, 80, 30))  # the upper right quarter
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by a quarter: the mark comes to lie at the lower right
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    found = opened(picture, kind, tmp_path, exif=exif if noted else exif.tobytes(), quality=95)
    assert found.size == (60, 80) and found.mode == "RGB"
    assert [value > 127 for value in corners(found)] == [False, False, True, False]


def test_heic_of_a_phone_is_read_by_its_content():
    import pillow_heif

    pillow_heif.register_heif_opener()
    found = opened(four().convert("RGB"), "HEIF", quality=90)
    assert found.size == (200, 200) and apart(found, four()) < 6
    content = written(four().convert("RGB"), "HEIF", quality=90)
    with pytest.raises(ValueError, match="damaged|not a picture"):
        pictures.open_picture(content[: len(content) // 2])


TRANSPARENT = {  # colour of the ink, how opaque it is, brightness of the ground that must be behind it
    "black ink": ((0, 0, 0), 1.0, 255),
    "white ink": ((255, 255, 255), 1.0, 0),
    "faint black ink": ((0, 0, 0), 0.4, 255),
    "faint yellow ink": ((255, 240, 60), 0.4, 0),
    "dark blue": ((20, 20, 120), 0.7, 255),
}


@pytest.mark.parametrize("colour, share, ground", TRANSPARENT.values(), ids=TRANSPARENT.keys())
def test_ink_on_transparent_lies_on_the_ground_that_contrasts(colour, share, ground):
    ink = Image.new("RGBA", (200, 200), (*colour, 0))
    ink.putalpha(four(ink=round(255 * share), ground=0))
    found = opened(ink, "PNG")
    assert set(corners(found)) == {ground}
    assert abs(found.convert("L").getpixel((120, 100)) - ground) > 50 * (share > 0.5) + 40
    assert float((to_digit(found) - to_digit(four())).pow(2).mean()) < 0.01


@pytest.mark.parametrize("ink, paper", [((10, 10, 10), (245, 240, 230)), ((250, 250, 250), (30, 60, 40))])
@pytest.mark.parametrize("tilt", [0, 20])
def test_paper_that_was_cut_out_goes_on_where_it_was_cut(ink, paper, tilt):
    sheet = Image.new("RGBA", (200, 200), (*paper, 255))
    sheet.paste(Image.new("RGBA", (200, 200), (*ink, 255)), mask=four(255, 0))
    page = Image.new("RGBA", (400, 400))
    page.paste(sheet.rotate(tilt, expand=True, resample=Image.Resampling.BICUBIC), (90, 80))
    found = opened(page, "PNG")
    assert all(np.abs(np.array(found.getpixel(at)) - paper).max() < 12 for at in ((0, 0), (399, 399), (200, 20)))
    upright = to_digit(four().rotate(tilt, fillcolor=255, resample=Image.Resampling.BICUBIC))
    assert float((to_digit(found) - upright).pow(2).mean()) < 0.02


def test_a_sticker_with_a_white_rim_is_ink_and_no_paper():
    sticker = Image.new("RGBA", (200, 200), (255, 255, 255, 0))
    alpha = four(255, 0)
    rim = Image.fromarray(np.asarray(alpha.resize((200, 200))).copy())
    from PIL import ImageFilter

    wide = rim.filter(ImageFilter.MaxFilter(7))
    sticker.paste((255, 255, 255, 255), mask=wide)
    sticker.paste((0, 0, 0, 255), mask=alpha)
    assert set(corners(opened(sticker, "PNG"))) == {255}


def test_transparency_of_grey_and_of_palettes():
    grey = Image.merge("LA", (Image.new("L", (200, 200), 0), four(255, 0)))
    assert apart(opened(grey, "PNG"), four()) < 2
    palette = Image.fromarray((np.asarray(four()) < 128).astype(np.uint8), "P")
    palette.putpalette([0, 255, 0, 255, 255, 255])
    found = opened(palette, "PNG", transparency=bytes([0, 102]))  # white ink at 40 %, on a green that nobody sees
    assert set(corners(found)) == {0} and found.convert("L").getpixel((120, 100)) > 90
    gif = opened(palette, "GIF", transparency=0)
    assert set(corners(gif)) == {0} and gif.convert("L").getpixel((120, 100)) == 255


def test_of_a_folder_a_picture_that_is_transparent_all_over_is_refused(tmp_path):
    for image in (Image.new("RGBA", (40, 40), (200, 30, 30, 0)), Image.new("LA", (9, 9))):
        with pytest.raises(ValueError, match="transparent all over"):
            opened(image, "PNG", tmp_path)
        assert corners(opened(image, "PNG")) == [255] * 4  # an upload is a white sheet


@pytest.mark.parametrize("white", [255, 4095, 65535])
def test_sixteen_bits_whatever_the_camera_calls_white(white, tmp_path):
    levels = (np.asarray(four()) / 255 * white).astype(np.uint16)
    for kind, folder in (("PNG", None), ("TIFF", tmp_path)):
        assert apart(opened(Image.fromarray(levels), kind, folder), four()) < 2


FLOATS = {
    "shares": lambda v: v,
    "levels": lambda v: 255 * v,
    "from -1 to 1": lambda v: 2 * v - 1,
    "a little over 1": lambda v: 1.2 * v,
    "standardised": lambda v: (v - v.mean()) / v.std(),
}


@pytest.mark.parametrize("scaled", FLOATS.values(), ids=FLOATS.keys())
def test_float_pictures(scaled, tmp_path):
    values = scaled(np.asarray(four()).astype(np.float32) / 255)
    assert apart(opened(Image.fromarray(values.astype(np.float32)), "TIFF", tmp_path), four()) < 2


def test_float_pixels_without_a_value_spoil_no_others():
    values = np.asarray(four()).astype(np.float32) / 255
    values[0, :3] = np.nan, np.inf, -np.inf
    assert apart(pictures.prepared(Image.fromarray(values)), four()) < 2


def swapped_profile() -> bytes:
    """Return a profile like sRGB whose red and blue are each other's."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    at = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * count, 12)}
    red, blue = at[b"rXYZ"], at[b"bXYZ"]
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_colours_are_those_of_the_profile(kind):
    red = Image.new("RGB", (32, 32), (230, 20, 20))
    found = np.asarray(opened(red, kind, icc_profile=swapped_profile())).mean((0, 1))
    assert found[2] > 200 and found[0] < 60
    damaged = np.asarray(opened(red, kind, icc_profile=b"no profile")).mean((0, 1))
    assert damaged[0] > 200 and damaged[2] < 60


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_of_an_animation_the_first_frame(kind):
    frames = [four().convert("RGB"), Image.new("RGB", (200, 200), "red"), Image.new("RGB", (200, 200), "blue")]
    assert apart(opened(frames[0], kind, save_all=True, append_images=frames[1:]), four()) < 6


@pytest.mark.slow
def test_a_bomb_is_refused_before_it_unfolds(tmp_path):
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")  # some kB that would be 900 MB
    for size, content in ((40, written(Image.new("1", (7000, 6000)), "PNG")), (40, bomb.getvalue())):
        (tmp_path / "bomb.png").write_bytes(content)
        with pytest.raises(ValueError, match=f"{size} megapixels"):
            pictures.open_picture(content)
        with pytest.raises(ValueError, match=f"{size} megapixels"):
            pictures.open_file(tmp_path / "bomb.png")


def test_opening_leaves_the_filters_of_warnings_alone_which_threads_share(monkeypatch):
    usual, seen = Image.open, []

    def opening(*args, **kwargs):
        seen.append(warnings.filters)
        return usual(*args, **kwargs)

    monkeypatch.setattr(Image, "open", opening)
    pictures.open_picture(written(four(), "PNG"))
    assert all(filters is warnings.filters for filters in seen) and seen


@pytest.mark.slow
def test_a_size_that_is_refused_here_is_not_warned_of_besides(tmp_path):
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    script = "import sys, pathlib; from cvae.data import pictures; pictures.open_file(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", script, str(tmp_path / "large.png")]
    run = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert "40 megapixels" in run.stderr and "DecompressionBombWarning" not in run.stderr


def test_an_icon_of_eight_pixels_stays_sharp():
    icon = four(size=8)
    found = opened(icon, "PNG")
    assert found.size == (8, 8) and apart(found, icon) == 0


def test_what_is_opened_is_grey_or_in_colour():
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = Image.fromarray(np.zeros((9, 9), np.uint16)) if mode == "I;16" else four().convert(mode)
        assert opened(image, "PNG").mode in ("L", "RGB")
    assert colours.plain(Image.new("LAB", (4, 4))).mode in ("L", "RGB")
    assert isinstance(to_digit(four()), torch.Tensor)
