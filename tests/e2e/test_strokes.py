"""What is drawn, also in browsers that hide the pixels of a canvas."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e.test_drawing import draw, settled
from ui import sketch

SEVEN = [(0.25, 0.25), (0.72, 0.22), (0.5, 0.55), (0.42, 0.85)]
UI = Path(sketch.__file__).parent


def bitmap(page, parameter: str, side: int) -> np.ndarray:
    """Return the bitmap (side, side) in the address."""
    return sketch.unpack_bits(sketch.lengthen(parse_qs(urlsplit(page.url).query)[parameter][0], side), side)


HIDING = """for (const kind of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
  const hidden = (w, h) => Uint8ClampedArray.from({ length: 4 * w * h }, () => SHADE);
  kind.prototype.getImageData = (x, y, w, h) => new ImageData(hidden(w, h), w, h);
}"""


@pytest.mark.parametrize("shade", ["255", "256 * Math.random()"])
def test_hidden_pixels_do_not_hide_the_drawing(new_page, browser, address, shade):
    drawings = []
    for script in ("", HIDING.replace("SHADE", shade)):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.add_init_script(script)
        page.goto(address + "/Draw")
        page.wait_for_selector(".pad")
        draw(page, SEVEN)
        settled(page)
        page.wait_for_url("**ink=*")
        expect(page.locator(".line.best b")).to_have_text("7")
        drawings.append(bitmap(page, "ink", 80))
        context.close()
    assert (drawings[0] == drawings[1]).all()


BOTH = """([grid, side, strokes]) => { // the bitmap, and what share of each square the browser's own canvas covers
  const bitmap = makeBitmap(grid, side), ink = new OffscreenCanvas(side, side).getContext('2d'), cell = side / grid;
  ink.lineCap = ink.lineJoin = 'round';
  for (const stroke of strokes) {
    bitmap.mark(stroke, 0);
    ink.globalCompositeOperation = stroke.erase ? 'destination-out' : 'source-over';
    ink.lineWidth = stroke.width;
    ink.beginPath();
    stroke.points.forEach((point) => ink.lineTo(...point));
    ink.stroke();
  }
  const alpha = ink.getImageData(0, 0, side, side).data, shares = Array(grid * grid).fill(0);
  const square = (i) => Math.floor(i / side / cell) * grid + Math.floor((i % side) / cell);
  for (let i = 0; i < side * side; i++) shares[square(i)] += alpha[4 * i + 3] / 255 / cell ** 2;
  return [Array.from(bitmap.bits()), shares];
}"""


@pytest.mark.parametrize(("grid", "side"), [(80, 560), (28, 560), (64, 576)])
def test_the_bitmap_is_that_of_the_browsers_own_canvas(browser, grid, side):
    page = browser.new_page()
    page.goto("about:blank")
    for name in ("shared.js", "strokes.js"):
        page.add_script_tag(path=UI / name)
    rng = np.random.default_rng(grid)
    for _ in range(5):
        ways = np.concatenate([rng.uniform(0, side, (6, 1, 2)), rng.normal(0, side / 12, (6, 20, 2))], 1).cumsum(1)
        widths = rng.uniform(0.05, 0.2, 6) * side
        strokes = [{"points": ways[i].tolist(), "width": float(widths[i]), "erase": i > 3} for i in range(6)]
        packed, shares = page.evaluate(BOTH, [grid, side, strokes])
        bits = np.unpackbits(np.array(packed, np.uint8), count=grid * grid).astype(bool)
        shares = np.array(shares)
        assert bits.any() and not bits.all()
        clear = abs(shares - 0.5) > 0.17  # nine samples tell such squares for certain
        assert (bits == (shares > 0.5))[clear].all() and clear.mean() > 0.9
    page.close()
