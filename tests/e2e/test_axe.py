"""axe-core, which knows the rules of accessible pages, objects to nothing on any page, at any size, in either theme."""

import os
from pathlib import Path

import pytest

from tests.e2e.serving import ROOT

PLACES = [ROOT / "node_modules", *map(Path, filter(None, [os.environ.get("NODE_PATH")]))]
AXE = next((place / "axe-core/axe.min.js" for place in PLACES if (place / "axe-core/axe.min.js").is_file()), None)
pytestmark = pytest.mark.skipif(AXE is None, reason="needs axe-core: npm ci")
PAGES = [
    "/Explore?model=vae-dense-2d&shelf=001~.AL4AOg.~.AD0AuA.",
    *("/", "/Explore", "/Explore?model=cvae-conv", "/Explore?view=The+whole+plane", "/Generate"),
    *(
        "/Generate?show=One+style%2C+ten+digits",
        "/Draw",
        "/Draw?task=Denoise&source=Generated+digit",
        "/Inpaint",
    ),
    *("/Map", "/Map?own=true", "/Faces", "/Faces?tool=Reconstruct", "/Faces?tool=Morph", "/Faces?tool=Similar+faces"),
    *("/Faces?way=What+it+is+told", "/Generate?model=cvae-faces&show=One+style%2C+all+classes"),
    *("/Faces?tool=Make+a+slider", "/Faces?tool=New+faces", "/Models", "/Models?view=Side+by+side"),
    *("/Models?view=Loss+curves", "/Models?view=Watch+it+learn", "/Models?view=Model+cards"),
]
SIZES = [(320, 640), (390, 844), (1280, 720)]
OBJECTIONS = """axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`)))"""


@pytest.mark.parametrize("path", PAGES)
def test_axe_objects_to_nothing(new_page, path):
    page = new_page(path, selector="[data-testid=stApp][data-test-script-state=notRunning]", bypass_csp=True)
    page.add_script_tag(path=AXE)
    grounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(300)
            assert page.evaluate(OBJECTIONS) == [], (scheme, width)
        grounds.add(page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor"))
    assert len(grounds) == 2


@pytest.mark.parametrize("path, press", [("/Draw", "[data-does=save]"), ("/Map", "[data-word=KL] >> nth=0")])
def test_axe_objects_to_nothing_that_a_press_opens(new_page, path, press):
    page = new_page(path, selector=press, bypass_csp=True)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.add_script_tag(path=AXE)
    page.locator(press).click()
    page.wait_for_selector("[popover]:popover-open")
    assert page.evaluate(OBJECTIONS) == []
