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
