"""The app as a visitor meets it: a real server and a real browser."""

import json

import pytest

from tests.e2e.serving import running_app, running_browser, until_shown

LARGE = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def address():
    with running_app() as found:
        yield found


@pytest.fixture(scope="session")
def browser():
    with running_browser() as found:
        yield found


@pytest.fixture(scope="session")
def contexts(browser):
    """The contexts of the browser by their options, so that what one page has loaded is there for the next."""
    made = {}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def new_page(browser, contexts, address):
    """Return a function that opens a path in a tab and a session of its own; no page may have logged an error at last.

    No page keeps anything for another: what a tab remembers goes with it, and the rest is cleared.
    """
    pages, complaints = [], []

    def unexpected(response):
        # on a page other than Home Streamlit itself first looks for its server below the page's path
        if response.status >= 400 and "/_stcore/" not in response.url:
            complaints.append(f"{response.status} {response.url}")

    def open_page(path, selector=".live[data-shown], [data-testid=stImage] img, .pad", viewport=LARGE, **options):
        key = json.dumps([options, options and viewport])  # the size alone may change in a context
        if key not in contexts:
            contexts[key] = browser.new_context(viewport=viewport, **options)
        page = contexts[key].new_page()
        pages.append(page)
        page.set_viewport_size(viewport)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda m: m.type == "error" and "Failed to load resource" not in m.text and complaints.append(m.text),
        )
        page.on("response", unexpected)
        page.goto(address + path)
        until_shown(page, selector, pause=40)
        return page

    yield open_page
    for page in pages:
        page.context.clear_cookies()
        if not page.is_closed():
            page.evaluate("localStorage.clear()")
            page.close()
    assert not complaints
