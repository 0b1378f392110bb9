"""A page whose server has no time for it."""

from tests.e2e.serving import until_shown


def test_a_page_asks_a_busy_server_again_and_shows_no_error(browser, address):
    page, asked = browser.new_page(), []

    def answer(route):
        asked.append(route.request.headers["x-client"])
        if len(asked) > 3:
            route.continue_()
        else:
            route.fulfill(status=(503, 429, 502)[len(asked) - 1], body="busy", headers={"Retry-After": "1"})

    page.route("**/api/program*", lambda route: route.abort())
    page.route("**/api/decode*", answer)
    page.goto(f"{address}/Explore?model=cvae-conv")
    until_shown(page, ".live[data-shown]")
    assert len(asked) == 4 and len(set(asked)) == 1
    assert not page.get_by_text("busy").count() and not page.get_by_text("does not answer").count()
    page.context.close()
