"""The app as a visitor meets it: a real server and a real browser."""

import pytest

from tests.e2e.serving import running_app, running_browser


@pytest.fixture(scope="module")
def address():
    with running_app() as found:
        yield found


@pytest.fixture(scope="session")
def browser():
    with running_browser() as found:
        yield found


@pytest.fixture
def new_page(browser, address):
    """Return a function that opens a path in a new browser session; at the end no page may have logged an error."""
    contexts, complaints = [], []

    def unexpected(response):
        # on a page other than Home Streamlit itself first looks for its server below the page's path
        if response.status >= 400 and "/_stcore/" not in response.url:
            complaints.append(f"{response.status} {response.url}")

    def open_page(path, selector=".live[data-shown], [data-testid=stImage] img, .pad", **options):
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda m: m.type == "error" and "Failed to load resource" not in m.text and complaints.append(m.text),
        )
        page.on("response", unexpected)
        page.goto(address + path)
        page.wait_for_selector(selector, timeout=30_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
