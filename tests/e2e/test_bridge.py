"""The handshake between Python and a widget in the browser, and the codecs that both ends have."""

import numpy as np
import pytest
import torch

from tests.conftest import ROOT
from ui.shell import link, sketch
from ui.widgets import bridge

WIDGETS = ROOT / "ui" / "widgets"

RECORDER = """
let made = 0;
function create(root, host) { // it writes down all that it hears and all that differs
  const number = ++made;
  root.host = host;
  return {
    hear: (data) => root.log.push(`${number} hears ${data.sequence}`),
    update: (data, differs) => root.log.push(`${number} gets ${data.z}` + (differs("z") ? " anew" : "")),
  };
}
export default mount("recorder", create);
"""
START = """async (text) => {
  const widget = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  window.roots = { a: { log: [] }, b: { log: [] } };
  window.sent = [];
  window.draw = (root, data) => widget.default({
    data, parentElement: roots[root],
    setStateValue: (name, value) => sent.push(["state", name, value]),
    setTriggerValue: (name, value) => sent.push(["trigger", name, value]),
  });
}"""


@pytest.fixture
def page(browser):
    made = browser.new_page()
    made.goto("about:blank")
    yield made
    made.close()


def log(page, root: str) -> list[str]:
    return page.evaluate("(root) => roots[root].log.splice(0)", root)


def test_a_widget_is_made_once_for_each_place_and_gets_all_that_is_not_too_late(page):
    page.evaluate(START, bridge.script(WIDGETS / "bridge.js") + RECORDER)
    say = "([root, z, sequence]) => draw(root, { z, sequence })"
    page.evaluate(say, ["a", [1], 0])
    page.evaluate(say, ["b", [7], 0])
    page.evaluate(say, ["a", [1], 0])
    assert log(page, "a") == ["1 hears 0", "1 gets 1 anew", "1 hears 0", "1 gets 1"]
    assert log(page, "b") == ["2 hears 0", "2 gets 7 anew"]

    page.evaluate(
        "() => { const n = roots.a.host.next(); roots.a.host.send('move', { z: [2] }, n);"
        " roots.a.host.send('move', { z: [3] }); }"
    )
    assert page.evaluate("sent.splice(0)") == [["state", "move", {"z": [z], "sequence": z - 1}] for z in (2, 3)]
    assert page.evaluate("[1, 2].map(roots.a.host.isLatest)") == [False, True]
    page.evaluate(say, ["a", [2], 1])  # Python's answer to the first message, when the second is on its way
    page.evaluate(say, ["a", [3], 2])
    assert log(page, "a") == ["1 hears 1", "1 hears 2", "1 gets 3 anew"]

    page.evaluate(say, ["b", [8], 5])  # of an earlier page of this session
    page.evaluate(
        "() => { roots.b.host.send('move', {}); roots.b.host.set('epoch', 4); roots.b.host.trigger('pick', 0); }"
    )
    assert page.evaluate("sent") == [["state", "move", {"sequence": 6}], ["state", "epoch", 4], ["trigger", "pick", 0]]
    page.evaluate("draw('b', { z: [9] })")  # a widget that counts nothing
    assert log(page, "b") == ["2 hears 5", "2 gets 8 anew", "2 hears undefined", "2 gets 9 anew"]


def test_the_address_changes_in_place(new_page):
    page = new_page("/?z=1&label=3#there", "h1", bypass_csp=True)
    before = page.evaluate("history.length")
    page.add_script_tag(content=bridge.script(WIDGETS / "bridge.js"))
    page.evaluate("writeAddress({ z: '', seed: 0, label: 'a b&c' })")
    assert page.evaluate("location.search + location.hash") == "?label=a+b%26c&seed=0#there"
    assert page.evaluate("history.length") == before


def test_both_ends_write_and_read_the_same_text(page):
    page.add_script_tag(content=bridge.script(WIDGETS / "codecs.js"))
    rng = np.random.default_rng(3)
    for dims in (1, 2, 17, 64):
        z = [*rng.normal(0, 3, dims - 1), [0.0, 9.0, -9.0, 1 / 256][dims % 4]]
        snapped = page.evaluate("(z) => z.map(snap)", z)
        assert snapped == link.snap(torch.tensor(z, dtype=torch.float64)).tolist()
        assert page.evaluate("packPoint", snapped) == link.pack(torch.tensor(snapped))
    for side in (28, 33, 80):
        bits = rng.random((side, side)) < rng.random()
        places = np.flatnonzero(bits).tolist()
        text = page.evaluate("([places, n]) => toText(packBits(places, n))", [places, side * side])
        assert text == sketch.pack_bits(bits)
        assert page.evaluate("(text) => unpackBits(fromText(text))", text) == places
        short = page.evaluate("(text) => deflate(fromText(text))", text)
        assert sketch.lengthen(short, side) == text
        assert page.evaluate("async (short) => toText(await inflate(short))", sketch.shorten(text)) == text
    assert page.evaluate("async () => [await deflate(new Uint8Array()), (await inflate('')).length]") == ["", 0]
    pixels = rng.integers(0, 256, (3, 5), dtype=np.uint8)
    assert page.evaluate("(text) => [...fromBase64(text)]", bridge.encoded(pixels)) == pixels.ravel().tolist()


@pytest.mark.parametrize("path", sorted(WIDGETS.glob("*/*.js")), ids=lambda path: path.stem)
def test_the_modules_of_a_widget_can_be_joined(page, path):
    text = bridge.script(path)
    assert "\nimport " not in text and text.count("\nexport ") == text.count("\nexport default ")
    page.evaluate(
        "(text) => import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))).then(() => 0)", text
    )
