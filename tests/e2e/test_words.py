"""Words of visitors, files and checkpoints on the page itself: none becomes markup, and no other host is asked."""

from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.serving import running_app
from tests.hostile import NAME, VISITS, fill_with_markup
from ui.shell import words

MADE = """() => {
  const made = [];
  const look = (root) => {
    for (const e of root.querySelectorAll("*")) {
      const from = e.getAttribute("src") ?? e.getAttribute("href") ?? "";
      const linked = /^(https?:)?\\/\\/(www\\.)?a\\.test|^www|^x(\\.png)?$/.test(from);
      const styled = ["b", "code", "span"].includes(e.localName) && /^m( |$)/.test(e.textContent);
      if (linked || styled || e.classList.contains("katex")) made.push(e.outerHTML);
      if (e.shadowRoot) look(e.shadowRoot);
    }
  };
  look(document);
  return made;
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    fill_with_markup(folder)
    with running_app(CVAE_CHECKPOINTS=str(folder), CVAE_DATA_DIR=str(folder / "no data")) as found:
        yield found


@pytest.fixture
def visit(browser, address):
    """Return a function that opens a path and waits until all is there; no other host may be asked until the end."""
    context, asked, errors = browser.new_context(), [], []
    page = context.new_page()
    page.on("request", lambda request: asked.append(urlsplit(request.url)))
    page.on("pageerror", lambda error: errors.append(str(error)))

    def open_page(path):
        page.goto(address + path)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning] h1")
        page.wait_for_timeout(400)
        return page

    yield open_page
    context.close()
    assert {url.netloc for url in asked if url.scheme not in ("data", "blob")} == {
        urlsplit(address).netloc
    } and not errors


def test_no_page_makes_anything_of_them(visit):
    for file, parameters in VISITS:
        path = "/" if file == "app.py" else f"/{file.split('_')[1].removesuffix('.py')}"
        assert not visit(f"{path}?{urlencode(parameters)}").evaluate(MADE), (path, parameters)


def test_the_words_themselves_are_there(visit):
    page = visit("/Models?view=Model+cards")
    shown = NAME.replace("www.", f"www{words.JOINER}.")
    expect(page.locator("h2").first).to_contain_text(shown)
    expect(page.get_by_text(f"learned from /nowhere/{shown}").first).to_be_visible()


@pytest.mark.parametrize("path", ["/Draw?source=Upload", "/Faces?face=Upload"])
def test_the_name_of_a_file_is_a_name(visit, path):
    page = visit(path)
    page.locator("input[type=file]").set_input_files(
        {"name": f"{NAME}.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(page.get_by_text("is not a picture that can be read")).to_be_visible()
    assert not page.evaluate(MADE)
