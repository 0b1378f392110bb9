"""Small windows: a page at 200 % zoom, which is one of half the size, and a narrow telephone."""

import pytest

from tests.e2e.test_axe import PAGES

SIZES = [(640, 360), (320, 640)]
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
WIDTHS = "main => [main.scrollWidth, main.clientWidth]"
# what one can press, outside of what scrolls by itself: all of it within the window, none over another
CROWDED = """main => {
  const all = [];
  const collect = (root, scrolls) => {
    for (const node of root.children) {
      const may = node !== main && !node.closest(".stButtonGroup");
      const inner = scrolls || (may && /auto|scroll/.test(getComputedStyle(node).overflowX));
      const pressed = node.matches("button, a[href], input, select, textarea, [role=slider], .pad");
      const box = node.getBoundingClientRect();
      const seen = node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && box.width > 3;
      if (pressed && !inner && seen) {
        all.push({ node, box, says: `${node.tagName} ${node.ariaLabel ?? node.textContent.trim().slice(0, 30)}` });
      }
      collect(node, inner);
      if (node.shadowRoot) collect(node.shadowRoot, inner);
    }
  };
  collect(main, false);
  const outside = all.filter(({ box }) => box.left < -1 || box.right > innerWidth + 1);
  const objections = outside.map(({ says }) => `outside: ${says}`);
  all.forEach(({ node, box, says }, i) => all.slice(i + 1).forEach((other) => {
    const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
    const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
    if (Math.min(wide, high) > 3 && !node.contains(other.node)) objections.push(`${says} overlaps ${other.says}`);
  }));
  return objections;
}"""


@pytest.mark.parametrize("path", PAGES)
def test_a_small_window_scrolls_in_one_direction_and_nothing_overlaps(new_page, path):
    page = new_page(path, selector=READY)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        main = page.get_by_test_id("stMain")
        scrolled, seen = main.evaluate(WIDTHS)
        assert scrolled == seen <= width
        assert main.evaluate(CROWDED) == [], width


HEAD = """head => {
  const box = (one) => one.getBoundingClientRect();
  const buttons = [...head.querySelectorAll("button")].filter((one) => one.checkVisibility()).map(box);
  const gaps = buttons.slice(1).map(({ left }, i) => Math.round(left - buttons[i].right));
  return [buttons.map(({ top }) => Math.round(top)), gaps, box(head.querySelector("h1")).bottom - buttons[0].bottom];
}"""
LABELS = """bar => [...bar.querySelectorAll("[data-testid=stWidgetLabel]")]
  .map((label) => label.getBoundingClientRect().height)"""


@pytest.mark.parametrize("path", ["/", "/Models", "/Inpaint"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_buttons_beside_a_heading_stand_in_one_row_evenly(new_page, path, width):
    touch = width < 1000
    page = new_page(path, READY, viewport={"width": width, "height": 700}, has_touch=touch, is_mobile=touch)
    for button in (".stPopover button", "[data-does=save]"):
        page.locator(".st-key-head").locator(button).wait_for()
    tops, gaps, below = page.locator(".st-key-head").evaluate(HEAD)
    assert len(set(tops)) == 1 and len(gaps) == (1 if touch else 2) and set(gaps) == {8} and -20 < below < 0


@pytest.mark.parametrize("path", ["/Draw", "/Map", "/Generate", "/Faces"])
def test_a_label_with_a_question_mark_is_as_high_as_others_under_a_finger(new_page, path):
    page = new_page(path, READY, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.locator(".st-key-bar [data-testid=stWidgetLabel]").nth(1).wait_for()
    heights = page.locator(".st-key-bar").evaluate(LABELS)
    assert len(heights) >= 2 and max(heights) - min(heights) <= 1, heights


def test_a_telephone_is_told_of_no_key(new_page):
    telephone = new_page("/Explore", READY, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    note = telephone.locator(".shelf .note").inner_text()
    assert note == "Keep two or more points to see the way from one to the next."
    assert "the key K" in new_page("/Explore", READY).locator(".shelf .note").inner_text()
