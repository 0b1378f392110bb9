"""From any picture to a digit as MNIST has them: what must be refused, and what must not matter."""

import io
import os
import random
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from cvae.data.pictures import open_picture
from cvae.preprocess import ink_to_digit, steps, to_digit, to_digits
from cvae.sketches import choosing, network, parts
from cvae.sketches.ground import surrounded
from cvae.sketches.view import View
from tests.conftest import ROOT

SEVEN = [(0.1, 0.05), (0.9, 0.1), (0.4, 0.95)]  # corners of the drawing, in shares of its height


def seven(size=(280, 280), at=(70, 50), height=180, pen=20, ink=255, ground=0) -> Image.Image:
    """Return a seven drawn at four times the resolution and averaged down."""
    image = Image.new("L", (4 * size[0], 4 * size[1]), ground)
    corners = [(4 * (at[0] + x * height), 4 * (at[1] + y * height)) for x, y in SEVEN]
    ImageDraw.Draw(image).line(corners, fill=ink, width=4 * pen, joint="curve")
    return image.resize(size, Image.Resampling.BOX)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(width: int, height: int, colour: int, row: bytes) -> bytes:
    """Return a PNG of 8 bits per channel whose rows are all the same."""
    deflate = zlib.compressobj(1)
    data = b"".join(deflate.compress(b"\0" + row) for _ in range(height if row else 0)) + deflate.flush()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)), (b"IDAT", data), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def check(digit: torch.Tensor) -> None:
    assert digit.shape == (1, 1, 28, 28) and digit.dtype == torch.float32
    assert digit.isfinite().all() and digit.min() >= 0 and digit.max() <= 1


def difference(a, b) -> float:
    """Return the root of the mean squared difference; a digit of its own against black has about 0.3."""
    a, b = (x if isinstance(x, torch.Tensor) else to_digit(x) for x in (a, b))
    return float(((a - b) ** 2).mean().sqrt())


PLAIN = to_digit(seven())
JPEG = encoded(seven(), "JPEG")
REFUSED = {
    "empty": (b"", "empty"),
    "text": (b"this is not a picture, whatever its name ends in", "not a picture"),
    "signature only": (b"\x89PNG\r\n\x1a\n", "not a picture"),
    "another kind": (encoded(seven(), "TIFF"), "not a picture"),
    "truncated JPEG": (JPEG[: len(JPEG) // 2], "damaged"),
    "truncated PNG": (encoded(seven(), "PNG")[:-300], "damaged"),
    "too many bytes": (JPEG + bytes(5 * 2**20), "5 MB"),
    "60,000 x 60,000": (png(60_000, 60_000, 0, b""), "40 megapixels"),
    "9,000 x 9,000": (png(9_000, 9_000, 0, b""), "9000 x 9000"),
    "CMYK, 25 megapixels": (encoded(Image.new("CMYK", (5000, 5000)), "JPEG"), "16 megapixels"),
    "hostile JPEG": (JPEG + 200 * b"\xff\xda", "scans"),
    "no width": (png(0, 100, 0, b""), "again|not a picture"),
}


@pytest.mark.parametrize("content, message", REFUSED.values(), ids=REFUSED.keys())
def test_unusable_files_are_refused_in_one_sentence(content, message):
    with pytest.raises(ValueError, match=message) as caught:
        open_picture(content)
    text = str(caught.value)
    assert type(caught.value) is ValueError and "\n" not in text and text.endswith(".")
    assert any(verb in text for verb in ("choose", "save", "upload"))  # says what to do


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_each_kind_of_file_gives_the_same_digit(kind):
    picture = open_picture(encoded(seven(), kind))
    assert picture.size == (280, 280)
    assert difference(picture, PLAIN) < 0.05


def test_a_large_photograph_is_read_small():
    picture = open_picture(encoded(Image.new("RGB", (4000, 3000), "white"), "JPEG"))
    assert max(picture.size) <= 1024 and picture.width / picture.height == pytest.approx(4 / 3, rel=0.01)
    assert open_picture(encoded(Image.new("L", (1, 5000)), "PNG")).size == (1, 1024)


def test_the_first_frame_of_an_animation_counts():
    frames = [seven(), seven(at=(20, 60), height=90), Image.new("L", (280, 280))]
    for kind in ("GIF", "WEBP"):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert difference(open_picture(content), PLAIN) < 0.05


def test_sixteen_bits():
    wide = Image.fromarray(np.asarray(seven()).astype(np.uint16) * 257)
    assert wide.mode == "I;16"
    assert difference(open_picture(encoded(wide, "PNG")), PLAIN) < 0.02


def test_cmyk():
    assert difference(open_picture(encoded(seven().convert("CMYK"), "JPEG")), PLAIN) < 0.05


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_orientation_of_the_camera_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    lying = seven().transpose(Image.Transpose.ROTATE_90)
    assert difference(open_picture(encoded(lying, "JPEG", exif=exif)), PLAIN) < 0.05
    assert difference(open_picture(encoded(lying, "PNG")), PLAIN) > 0.2
    broken = encoded(seven(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\xff")
    assert difference(open_picture(broken), PLAIN) < 0.05


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "RGBX", "LA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_every_mode_gives_the_same_digit(mode):
    if mode == "I;16":
        image = Image.fromarray(np.asarray(seven()).astype(np.uint16) * 257)
    elif mode == "HSV":
        image = seven().convert("RGB").convert("HSV")
    else:
        image = seven().convert(mode)
    assert image.mode == mode
    before = image.tobytes()
    assert difference(image, PLAIN) < 0.05
    assert image.tobytes() == before


@pytest.mark.parametrize("mode", ["LAB", "La", "RGBa", "PA", "I;16B", "I;16L"])
def test_rare_modes_do_not_crash(mode):
    with pytest.raises(ValueError, match="No digit"):
        to_digit(Image.new(mode, (40, 40)))


def test_float_pixels_may_be_shares_or_levels():
    shares = np.asarray(seven()).astype(np.float32) / 255
    for scale in (1, 255, 1e6):
        assert difference(Image.fromarray(shares * np.float32(scale)), PLAIN) < 0.02


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (30, 40, 160)])
def test_transparency_is_ground(colour):
    drawn = Image.new("RGBA", (280, 280), (*colour, 0))
    drawn.putalpha(seven())
    assert difference(drawn, PLAIN) < 0.02


def test_transparent_colours_of_a_palette_are_ground():
    palette = seven().point(lambda v: int(v > 127)).convert("P")
    palette.putpalette([0, 0, 0, 0, 0, 0])  # black ink on a black ground that is transparent
    palette.info["transparency"] = 0
    assert difference(open_picture(encoded(palette, "PNG", transparency=0)), PLAIN) < 0.1


def test_paper_with_transparent_corners():
    paper = seven(ink=20, ground=240).convert("RGBA")
    alpha = Image.new("L", paper.size)
    ImageDraw.Draw(alpha).rounded_rectangle((0, 0, 279, 279), 60, fill=255)
    paper.putalpha(alpha)
    assert difference(paper, PLAIN) < 0.05


def blank_sheets() -> dict[str, Image.Image]:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:400, 0:300]
    across, lamp = 230 * (1 - 0.6 * x / 300), 130 + 100 * np.exp(-((x - 120) ** 2 + (y - 150) ** 2) / 2 / 90**2)
    shadow = 230 * (1 - 0.4 / (1 + np.exp((300 - x - y) / 8)))
    vignette = 235 * (1 - 0.3 * ((x / 150 - 1) ** 2 + (y / 200 - 1) ** 2))
    grounds = {"white": 0 * x + 235.0, "black": 0 * x + 10.0, "grey": 0 * x + 128.0, "gradient": across, "lamp": lamp}
    grounds |= {"shadow": shadow, "vignette": vignette, "small": np.full((28, 28), 128.0)}
    sheets = {f"{k}, noise {s}": v + rng.normal(0, s, v.shape) for k, v in grounds.items() for s in (0, 3, 10)}
    sheets["noise alone"] = rng.uniform(0, 256, (200, 200))
    blank = {k: Image.fromarray(v.clip(0, 255).astype(np.uint8)) for k, v in sheets.items()}
    blank |= {"pure white": Image.new("RGB", (300, 400), "white"), "pure black": Image.new("1", (300, 400))}
    blank |= {"transparent": Image.new("RGBA", (50, 50)), "a pixel": Image.new("L", (1, 1), 9)}
    return blank | {"no pixels": Image.new("L", (0, 9))}


@pytest.mark.parametrize("sheet", blank_sheets().items(), ids=lambda item: item[0])
def test_a_blank_sheet_has_no_ink(sheet):
    for function in (to_digit, steps):
        with pytest.raises(ValueError, match="No digit stands out"):
            function(sheet[1])


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3), (3, 700)])
def test_extreme_sizes_do_not_crash(size):
    pixels = np.random.default_rng(0).integers(0, 2, size, dtype=np.uint8) * 255
    for image in (Image.fromarray(pixels), Image.new("RGB", size, "red")):
        try:
            check(to_digit(image))
        except ValueError as error:
            assert "No digit" in str(error)


def test_ink_may_be_bright_or_dark():
    assert difference(ImageOps.invert(seven()), PLAIN) < 0.03
    assert difference(seven(ink=90, ground=210), PLAIN) < 0.03
    assert difference(seven(ink=200, ground=50), PLAIN) < 0.03


@pytest.mark.parametrize("ink, ground", [(50, 235), (230, 60)])
def test_light_does_not_matter(ink, ground):
    y, x = np.mgrid[0:280, 0:280] / 280
    noise = np.random.default_rng(0).normal(0, 3, (280, 280))
    drawn = np.asarray(seven(ink=ink, ground=ground)).astype(float)
    for light in (1 - 0.6 * x, 1 - 0.3 * x - 0.3 * y, 1 - 0.35 / (1 + np.exp((0.45 - x) * 30))):
        assert difference(Image.fromarray((drawn * light + noise).clip(0, 255).astype(np.uint8)), PLAIN) < 0.1


def test_place_and_size_do_not_matter():
    for at, height, size in (((10, 90), 180, (280, 280)), ((150, 160), 90, (280, 280)), ((300, 200), 360, (900, 700))):
        moved = seven(size=size, at=at, height=height, pen=height // 9)
        assert difference(moved, PLAIN) < 0.1


def test_a_thin_line_on_a_large_sheet_survives():
    sheet = Image.new("RGB", (3000, 2400), (240, 238, 230))
    corners = [(900 + x * 1000, 700 + y * 1000) for x, y in SEVEN]
    ImageDraw.Draw(sheet).line(corners, fill=(40, 50, 140), width=14)
    digit = to_digit(open_picture(encoded(sheet, "JPEG", quality=70)))
    assert (digit > 0.9).sum() > 30  # twenty rows and a bar, with full ink
    assert difference(digit, PLAIN) < 0.2


def test_broad_strokes_are_thinned_and_usual_ones_left():
    masses = [float(to_digit(seven(pen=pen)).sum()) for pen in (3, 8, 20, 30, 45, 70)]
    assert masses == sorted(masses)
    assert masses[0] > 0.9 * masses[1] and masses[-1] < 2.4 * masses[2]


def test_parts_are_kept_and_specks_and_table_edges_are_not():
    split = seven(ink=30, ground=230)
    ImageDraw.Draw(split).rectangle((0, 100, 280, 118), fill=230)  # parts the digit in two
    rows = to_digit(split)[0, 0].amax(1)
    assert (rows > 0.5).sum() >= 17 and (rows > 0.5).sum() < 20
    spoiled = seven(ink=30, ground=230)
    draw = ImageDraw.Draw(spoiled)
    draw.polygon([(0, 0), (70, 0), (0, 200)], fill=60)
    draw.rectangle((250, 250, 253, 253), fill=30)
    assert difference(spoiled, PLAIN) < 0.05


def test_paper_on_a_dark_table():
    table = Image.new("L", (360, 360), 60)
    table.paste(seven(ink=40, ground=230), (40, 40))
    assert difference(table, PLAIN) < 0.05


def test_a_digit_of_the_right_form_stays_itself():
    assert difference(Image.fromarray((PLAIN[0, 0] * 255).round().byte().numpy()), PLAIN) < 0.03
    enlarged = Image.fromarray((PLAIN[0, 0] * 255).round().byte().numpy()).resize((280, 280), Image.Resampling.BICUBIC)
    assert difference(enlarged, PLAIN) < 0.08


def test_it_is_centred_by_mass_in_a_box_of_twenty():
    x = PLAIN[0, 0]
    rows = (x.amax(1) > 0.3).nonzero()
    assert rows[-1] - rows[0] + 1 == 20
    index = torch.arange(28.0)
    for axis in (0, 1):
        assert abs((x.sum(axis) * index).sum() / x.sum() - 14) <= 0.51


def test_the_steps_end_with_the_digit():
    image = seven(size=(700, 300), at=(200, 60), ink=40, ground=220)
    pictures = steps(image)
    assert len(pictures) == 6 and len({name for name, _ in pictures}) == 6
    assert all(p.dtype == np.uint8 and p.ndim == 2 and max(p.shape) <= 160 for _, p in pictures)
    torch.testing.assert_close(torch.from_numpy(pictures[-1][1]).float() / 255, to_digit(image)[0, 0])


def test_the_canvas_agrees_with_its_picture():
    drawn = seven(size=(80, 80), at=(12, 8), height=60, pen=6)
    coverage = np.asarray(drawn)
    assert difference(ink_to_digit(coverage), drawn) < 0.03
    # a level of grey
    torch.testing.assert_close(ink_to_digit(coverage / 255), ink_to_digit(coverage), atol=1.5 / 255, rtol=0)
    assert difference(ink_to_digit(coverage > 127), drawn) < 0.15
    check(ink_to_digit(np.eye(80, dtype=bool)))
    for empty in (np.zeros((80, 80), bool), np.zeros((80, 80), np.uint8), np.zeros((80, 80))):
        with pytest.raises(ValueError, match="No digit"):
            ink_to_digit(empty)


def mutated(content: bytes, rng: random.Random) -> bytes:
    content = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        at, kind = rng.randrange(len(content)), rng.randrange(3)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del content[at : at + rng.randint(1, 40)]
        else:
            content[at:at] = rng.randbytes(rng.randint(1, 40))
    return bytes(content)


@pytest.mark.slow
def test_damaged_files_are_refused_or_read():
    rng = random.Random(0)
    small = seven(size=(70, 70), at=(15, 10), height=48, pen=6)
    files = [encoded(small, kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP")]
    files += [encoded(small, "JPEG", progressive=True), encoded(small.convert("P"), "PNG", transparency=0)]
    read = 0
    for i in range(300):
        try:
            check(to_digit(open_picture(mutated(files[i % len(files)], rng))))
            read += 1
        except ValueError as error:
            assert type(error) is ValueError and "\n" not in str(error)
    assert 20 < read < 280  # both happen


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read from /proc")
def test_forty_megapixels_need_less_than_500_megabytes(tmp_path):
    blank = png(6300, 6300, 6, bytes((200, 200, 200, 255)) * 6300)  # RGBA: the most bytes for a pixel
    contents = {"png": blank, "jpeg": encoded(Image.new("L", (6300, 6300), 200), "JPEG", progressive=True)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    script = (
        "import sys; from cvae.data.pictures import open_picture\n"
        "sides = [max(open_picture(open(path, 'rb').read()).size) for path in sys.argv[1:]]\n"
        # ru_maxrss would count the parent's memory too
        "peak = open('/proc/self/status').read().split('VmHWM:')[1].split()[0]\n"
        "print(max(sides), int(peak) // 1024)"
    )
    command = [sys.executable, "-c", script, *(str(tmp_path / name) for name in contents)]
    run = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert run.returncode == 0, run.stderr
    side, megabytes = map(int, run.stdout.split())
    assert side <= 1024 and 50 < megabytes < 500


def on(ground: str, ink: str, size=(420, 420), **options) -> Image.Image:
    """Return a seven in colour: `ink` on `ground`, both names of colours."""
    mask = seven(size=size, **options)
    return Image.composite(Image.new("RGB", size, ink), Image.new("RGB", size, ground), mask)


def marked(mark: str) -> Image.Image:
    picture = on("#ecebe5", "#28282e", at=(130, 120), height=160, pen=18)
    draw = ImageDraw.Draw(picture)
    if mark == "frame":
        draw.rectangle((60, 60, 340, 340), outline="#28282e", width=4)
    elif mark == "circle":
        draw.ellipse((60, 60, 360, 360), outline="#28282e", width=5)
    elif mark == "cells":
        for i in range(4):
            draw.rectangle((80 + 240 * (i - 1), 80, 320 + 240 * (i - 1), 320), outline="#28282e", width=3)
    elif mark == "holes":
        for y in (80, 210, 340):
            draw.ellipse((15, y - 12, 39, y + 12), fill="#1e1c1e")
    elif mark == "pen":
        draw.line((370, 30, 350, 390), fill="#283078", width=20)
    elif mark == "struck":
        draw.line((70, 230, 360, 205), fill="#b03a3a", width=4)
    elif mark == "fingers":
        shade = Image.new("L", picture.size, 255)
        for x in (110, 170, 235):
            ImageDraw.Draw(shade).line((x, 140, x, 420), fill=135, width=26)
        shade = shade.filter(ImageFilter.GaussianBlur(4)).convert("RGB")
        picture = ImageChops.multiply(picture, shade)
    elif mark == "full stop":
        draw.ellipse((300, 265, 318, 283), fill="#28282e")
    else:
        draw.line((110, 330, 330, 330), fill="#28282e", width=6)
    return picture


def test_a_digit_without_any_strong_ink_is_read_beside_a_strong_one():
    strong, faint = (np.asarray(seven((300, 300), ink=ink)) for ink in (255, 153))
    both = Image.fromarray(255 - np.hstack([strong, faint]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of means of nothing
        read = to_digits(both)
    assert len(read) == 2 and float((read[0].digit - read[1].digit).abs().mean()) < 0.05


def test_a_digit_that_the_rules_see_elsewhere_has_no_mark():
    ruled, seen = np.zeros((2, 64, 64), np.float32)
    ruled[10:50, 5:12], seen[10:50, 40:50] = 1, 1
    (part,), (digit,) = parts.connected(ruled), parts.connected(seen)
    view = View(Image.new("RGB", (64, 64)), ruled, ruled, ruled, [part], seen, [digit])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choosing._has_mark(view, part, digit) is False


MARKS = ["frame", "circle", "cells", "holes", "pen", "full stop", "underline", "struck", "fingers"]


@pytest.mark.parametrize("mark", MARKS)
def test_the_digit_is_read_among_marks_in_its_own_ink(mark):
    assert difference(marked(mark), PLAIN) < 0.2


@pytest.mark.parametrize("ground, ink", [("#ecebe5", "#ffeb3c"), ("#be986a", "#e4782c"), ("#44964a", "#c33e37")])
def test_ink_is_told_by_its_colour_where_grey_does_not_tell_it(ground, ink):
    assert difference(on(ground, ink, at=(110, 100), height=220, pen=26), PLAIN) < 0.27


@pytest.mark.parametrize("turn", [0, 6])
@pytest.mark.parametrize("table", ["#503628", "#1a1411"])
def test_a_sheet_in_the_middle_of_a_table_is_paper(table, turn):
    sheet = on("#ecebe5", "#28282e", size=(330, 330), at=(80, 70), height=180, pen=20)
    picture = Image.new("RGB", (640, 640), table)
    mask = Image.new("L", sheet.size, 255).rotate(turn, expand=True)
    picture.paste(sheet.rotate(turn, expand=True, resample=Image.Resampling.BICUBIC), (140, 150), mask)
    assert difference(picture, seven().rotate(turn, resample=Image.Resampling.BICUBIC)) < 0.2


def test_all_digits_are_returned_with_their_boxes_the_largest_first():
    picture = Image.new("RGB", (800, 420), "#ecebe5")
    picture.paste(on("#ecebe5", "#28282e", size=(380, 420), at=(110, 140), height=150, pen=18), (0, 0))
    picture.paste(on("#ecebe5", "#28282e", size=(380, 420), at=(60, 100), height=220, pen=22), (420, 0))
    large, small = to_digits(picture)
    assert torch.equal(large.digit, to_digit(picture)) and difference(small.digit, PLAIN) < 0.2
    for box, wanted in ((large.box, (490, 100, 690, 320)), (small.box, (120, 140, 250, 295))):
        assert all(abs(a - b) < 30 for a, b in zip(box, wanted, strict=True))
    assert difference(to_digit(picture, box=(0, 0, 400, 420)), small.digit) < 0.1


def test_without_the_network_the_rules_alone_read(monkeypatch):
    monkeypatch.setattr(network, "model", lambda: None)
    assert difference(seven(), PLAIN) < 0.05 and len(to_digits(seven())) == 1
    with pytest.raises(ValueError, match="No digit"):
        to_digit(on("#44964a", "#c33e37"))


@pytest.mark.parametrize("ink, ground", [(255, 0), (20, 235)])
def test_bold_strokes_that_fill_the_picture_are_read_as_they_are(ink, ground):
    image = Image.new("L", (200, 200), ground)
    draw = ImageDraw.Draw(image)
    draw.line([(60, 0), (60, 110), (150, 110)], fill=ink, width=42)
    draw.line([(150, 20), (150, 200)], fill=ink, width=42)
    expected = ink_to_digit(abs(np.asarray(image, np.float32) - ground) / abs(ink - ground))
    assert float((to_digit(image) - expected).abs().mean()) < 0.04


def test_blurred_strokes_that_go_from_edge_to_edge_keep_their_width():
    rows = ["00ffff00", "00ffff00", "05ffff00", "05ffff00", "05ffff00", "00ffff00", "00ffff40", "00cfff00"]  # a one
    small = Image.fromarray(np.array([[17 * int(c, 16) for c in row] for row in rows], np.uint8))
    digit = to_digit(small.resize((200, 200), Image.Resampling.BICUBIC))[0, 0].numpy()
    box = digit[4:24, :][:, digit.any(0)]
    level = np.asarray(small.crop(small.getbbox()).resize(box.shape[::-1], Image.Resampling.BICUBIC)) / 255
    assert np.abs(box - level).mean() < 0.24


@pytest.mark.parametrize("ground, ink", [("#ecebe5", "#28282e"), ("#263c32", "#e1e1dc"), ("#e9f2f5", "#781e28")])
@pytest.mark.parametrize("shape", ["one", "bar", "six"])
def test_a_bold_digit_cut_out_close_is_read_as_with_the_ground_around_it(shape, ground, ink):
    whole = Image.new("RGB", (700, 700), ground)
    draw = ImageDraw.Draw(whole)
    if shape != "six":
        draw.line([(360 if shape == "one" else 336, 160), (335, 540)], fill=ink, width=70)
    else:
        draw.line([(400, 150), (310, 290), (275, 440)], fill=ink, width=90, joint="curve")
        draw.ellipse((230, 330, 470, 560), outline=ink, width=88)
    left, top, right, bottom = ImageChops.difference(whole, Image.new("RGB", whole.size, ground)).getbbox()
    area = left - 5, top - 5, right + 5, bottom + 5
    close = whole.crop(area)
    assert difference(close, whole) < 0.08 and difference(to_digit(whole, area), whole) < 0.08
    (digit,) = to_digits(close)
    assert all(abs(a - b) < 8 for a, b in zip(digit.box, (5, 5, *close.size), strict=True))


@pytest.mark.parametrize("plate, rim", [("#ecebe5", "#503628"), ("#c8dcf0", "#28643c")])
@pytest.mark.parametrize("height", [600, 480])
def test_a_digit_on_a_round_plate_that_was_cut_out_close_is_read_and_not_the_plate(plate, rim, height):
    whole, cut = Image.new("RGB", (600, 600), plate), Image.new("RGB", (600, 600), rim)
    ImageDraw.Draw(cut).ellipse((4, 4 + 300 - height // 2, 596, 296 + height // 2), fill=plate)
    for picture in (whole, cut):
        draw = ImageDraw.Draw(picture)
        draw.line([(230, 190), (370, 190), (290, 420)], fill="#28282e", width=44, joint="curve")
    assert difference(cut.crop((0, 300 - height // 2, 600, 300 + height // 2)), whole) < 0.08


def test_a_sheet_and_a_grid_that_go_to_the_edges_are_no_digits_cut_out_close():
    sheet, grid = Image.new("RGB", (600, 600), "#503628"), on("#ecebe5", "#28282e", size=(600, 600))
    ImageDraw.Draw(sheet).rectangle((10, 10, 590, 590), fill="#ecebe5")
    for place in range(5, 600, 59):
        ImageDraw.Draw(grid).line([(place, 0), (place, 600)], fill="#28282e", width=4)
        ImageDraw.Draw(grid).line([(0, place), (600, place)], fill="#28282e", width=4)
    assert all(surrounded(picture) == (picture, 0) for picture in (sheet, grid, seven()))
