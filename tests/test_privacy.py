"""What pages say of the pictures that a visitor brings, and of a camera that the browser keeps shut."""

from types import SimpleNamespace

import pytest
import streamlit as st

from tests.app import open_page
from ui.shell import keeping


def opened_at(monkeypatch, url: str | None) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(url=url))


@pytest.mark.parametrize("url", ["http://localhost:8501/Draw", "http://127.0.0.1/Draw", "http://[::1]:80/Faces"])
def test_a_picture_on_the_own_computer_does_not_leave_it(url, monkeypatch):
    opened_at(monkeypatch, url)
    assert "does not leave this computer" in keeping.privacy() and "never stored" in keeping.privacy()
    assert keeping.privacy().count(". ") == 0 and not keeping.no_camera()


@pytest.mark.parametrize("scheme, shut", [("http", True), ("https", False)])
def test_elsewhere_the_page_says_where_the_picture_goes_and_whether_the_camera_opens(scheme, shut, monkeypatch):
    for host in ("192.168.0.7", "studio.example", "10.0.0.3"):
        opened_at(monkeypatch, f"{scheme}://{host}:8501/Faces")
        assert host in keeping.privacy() and "never stored" in keeping.privacy()
        assert bool(keeping.no_camera()) is shut
        assert not shut or ("https" in keeping.no_camera() and "Upload" in keeping.no_camera())


def test_where_the_address_is_unknown_the_picture_counts_as_sent(monkeypatch):
    opened_at(monkeypatch, None)
    assert "leaves your device for the server" in keeping.privacy()


@pytest.mark.parametrize("page", ["pages/3_Draw.py?source=Upload", "pages/4_Inpaint.py?source=Upload"])
def test_the_sentence_stands_beside_each_upload_of_a_digit(zoo, page):
    path, _, query = page.partition("?")
    app = open_page(path, **dict([query.split("=")]))
    assert any("never stored" in caption.value for caption in app.caption)
