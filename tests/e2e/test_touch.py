"""Fingers on a phone: what scrolls the page, what steers, what closes by itself; and the same with keys."""

import pytest
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def menu(page):
    """Return the menu, unfolded."""
    page.get_by_test_id("stExpandSidebarButton").press("Enter")
    bar = page.get_by_test_id("stSidebar")
    expect(bar).to_have_attribute("data-collapsed", "false")
    return bar


@pytest.mark.parametrize("choose", ["tap", "key"])
def test_the_menu_of_a_phone_folds_after_a_choice(new_page, choose):
    page = new_page("/Generate", **PHONE)
    for name in ("Draw", "Home", "Explore"):
        link = menu(page).get_by_role("link", name=name)
        link.tap() if choose == "tap" else link.press("Enter")
        page.wait_for_url("**/" + name.replace("Home", ""))
        page.wait_for_selector(".live[data-shown], .pad")
        expect(page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
        page.wait_for_timeout(500)
        assert page.get_by_test_id("stSidebar").bounding_box()["width"] < 10
        page.keyboard.press("Tab")
        assert not page.evaluate("document.querySelector('[data-testid=stSidebar]').contains(document.activeElement)")


def test_the_menu_of_a_wide_screen_stays(new_page):
    page = new_page("/Generate")
    bar = page.get_by_test_id("stSidebar")
    bar.get_by_role("link", name="Explore").click()
    page.wait_for_selector(".live[data-shown]")
    expect(bar).to_have_attribute("data-collapsed", "false")
