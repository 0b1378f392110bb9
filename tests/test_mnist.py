"""MNIST's test files are read or refused, fetched from a mirror or not at all, and offered on a page."""

import gzip
import hashlib
import os
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cvae.data import mnist_files as mnist
from tests.conftest import bars, write_idx
from ui.shell import fetch

N = 200


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    return folder


def write_pair(raw, suffix="", n=N):
    """Write n synthetic digits where MNIST's test digits belong, and return their images."""
    images, labels = bars(n, seed=1)
    write_idx(raw / f"{mnist.IMAGES}{suffix}", images)
    write_idx(raw / f"{mnist.LABELS}{suffix}", labels)
    return images


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_read_gives_images_and_labels(raw, tmp_path, suffix):
    expected = write_pair(raw, suffix)
    images, labels = mnist.read_test(tmp_path)
    assert images.dtype == np.uint8 and np.array_equal(images, expected)
    assert labels.dtype == np.int64 and labels.tolist() == [i % 10 for i in range(N)]


@pytest.mark.parametrize("missing", [mnist.IMAGES, mnist.LABELS])
def test_read_gives_none_unless_both_files_are_there(raw, tmp_path, missing):
    assert mnist.read_test(tmp_path / "nowhere") is None
    write_pair(raw)
    (raw / missing).unlink()
    assert mnist.read_test(tmp_path) is None


def cut(content):
    return content[:-9]


def cut_header(content):
    return content[:6]


def empty(content):
    return b""


def wrong_magic(content):
    return b"\0\0\x09" + content[3:]


def too_long(content):
    return content + b"\0"


def no_pictures(content):
    return content[:4] + bytes(4) + content[8:]


def not_gzip(content):
    return b"<html>" + content


@pytest.mark.parametrize("damage", [cut, cut_header, empty, wrong_magic, too_long, no_pictures])
@pytest.mark.parametrize("name", [mnist.IMAGES, mnist.LABELS])
def test_read_refuses_a_damaged_file(raw, tmp_path, name, damage):
    write_pair(raw)
    (raw / name).write_bytes(damage((raw / name).read_bytes()))
    with pytest.raises(ValueError, match=name):
        mnist.read_test(tmp_path)


@pytest.mark.parametrize("damage", [cut, empty, not_gzip])
def test_read_refuses_a_damaged_gz(raw, tmp_path, damage):
    write_pair(raw, ".gz")
    path = raw / f"{mnist.IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=mnist.IMAGES):
        mnist.read_test(tmp_path)


def test_read_refuses_a_gz_that_unfolds_too_far(raw, tmp_path, monkeypatch):
    write_pair(raw, ".gz")
    monkeypatch.setattr(mnist, "LARGEST", 1000)
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        mnist.read_test(tmp_path)


def test_read_refuses_pictures_of_another_size(raw, tmp_path):
    write_pair(raw)
    write_idx(raw / mnist.IMAGES, np.zeros((N, 32, 32), np.uint8))
    with pytest.raises(ValueError, match=r"\(200, 32, 32\); expected \(N, 28, 28\)"):
        mnist.read_test(tmp_path)


def test_read_refuses_two_files_that_do_not_belong_together(raw, tmp_path):
    write_pair(raw)
    write_idx(raw / mnist.LABELS, np.zeros(N - 1, np.uint8))
    with pytest.raises(ValueError, match="200 images.*199 labels"):
        mnist.read_test(tmp_path)
    write_idx(raw / mnist.LABELS, np.full(N, 77, np.uint8))
    with pytest.raises(ValueError, match="label 77"):
        mnist.read_test(tmp_path)


@contextmanager
def mirror(files, status=200, gate=None, cut_at=None):
    """Serve `files` under /mnist/; after `cut_at` bytes break off, after the first 4 KB wait for `gate`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = files.get(self.path.removeprefix("/mnist/"))
            self.send_response(status if content else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if status == 200 and content:
                self.send_slowly(content[:cut_at])

        def send_slowly(self, content):
            self.wfile.write(content[:4096])
            if gate:
                gate.wait(10)
            self.wfile.write(content[4096:])

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *args: None  # a client that has gone away
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/mnist/"
        finally:
            server.shutdown()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Publish synthetic digits in place of MNIST's: return name -> .gz content, and the images."""
    folder = tmp_path / "published"
    folder.mkdir()
    images = write_pair(folder, ".gz")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    table = {name: (hashlib.md5(files[f"{name}.gz"]).hexdigest(), len(files[f"{name}.gz"])) for name in mnist.PUBLISHED}
    monkeypatch.setattr(mnist, "PUBLISHED", table)
    monkeypatch.setattr(mnist, "TIMEOUT", 2)
    monkeypatch.setattr(mnist, "CHUNK", 4096)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return SimpleNamespace(files=files, images=images, size=sum(map(len, files.values())))


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/mnist/"


def collect(folder, cancelled=lambda: False):
    """Fetch into `folder`; return what fetch_test returned and the calls of `progress`."""
    steps = []
    return mnist.fetch_test(folder, lambda done, total: steps.append((done, total)), cancelled), steps


def test_fetch_writes_both_files_and_nothing_else(tmp_path, published, monkeypatch):
    with mirror(published.files) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url,))
        fetched, steps = collect(tmp_path)
    assert fetched
    assert sorted(os.listdir(tmp_path / "MNIST" / "raw")) == [mnist.IMAGES, mnist.LABELS]
    assert np.array_equal(mnist.read_test(tmp_path)[0], published.images)
    assert steps == sorted(steps) and len(steps) > 2
    assert steps[-1] == (published.size, published.size)


def test_fetch_replaces_damaged_files(raw, tmp_path, published, monkeypatch):
    (raw / mnist.IMAGES).write_bytes(b"damaged")
    (raw / mnist.LABELS).write_bytes(b"damaged")
    with mirror(published.files) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url,))
        assert collect(tmp_path)[0]
    assert np.array_equal(mnist.read_test(tmp_path)[0], published.images)


def test_fetch_turns_to_the_second_mirror(tmp_path, published, monkeypatch):
    with mirror({}) as first, mirror(published.files) as second:
        monkeypatch.setattr(mnist, "MIRRORS", (first, second))
        assert collect(tmp_path)[0]
    assert mnist.read_test(tmp_path) is not None


def altered(files):
    return {name: content[:-1] + b"?" for name, content in files.items()}


def longer(files):
    return {name: content + b"?" for name, content in files.items()}


@pytest.mark.parametrize(
    "change, settings, reason",
    [
        (altered, {}, "sent something else than the published file"),
        (longer, {}, "sent something else than the published file"),
        (dict, {"cut_at": 5000}, "broke off after 5000 of"),
        (dict, {"cut_at": 0}, "broke off after 0 of"),
        (dict, {"status": 503}, "answered with status 503"),
        (lambda files: {}, {}, "answered with status 404"),
    ],
)
def test_fetch_says_why_a_mirror_did_not_serve(tmp_path, published, monkeypatch, change, settings, reason):
    with mirror(change(published.files), **settings) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url,))
        with pytest.raises(ConnectionError, match=f"could not be fetched: 127.0.0.1 {reason}"):
            collect(tmp_path)
    assert not (tmp_path / "MNIST").exists()


def test_fetch_gives_up_on_a_mirror_that_falls_silent(tmp_path, published, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(mnist, "TIMEOUT", 0.2)
    with mirror(published.files, gate=gate) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url,))
        with pytest.raises(ConnectionError, match="127.0.0.1 broke off"):
            collect(tmp_path)
        gate.set()
    assert not (tmp_path / "MNIST").exists()


def test_fetch_says_that_no_mirror_is_reached(tmp_path, published, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", (closed_port(), closed_port()))
    with pytest.raises(ConnectionError) as caught:
        collect(tmp_path)
    assert str(caught.value) == (
        "MNIST's test digits could not be fetched: 127.0.0.1 could not be reached, 127.0.0.1 could not be reached."
    )
    assert not (tmp_path / "MNIST").exists()


@pytest.mark.parametrize("looks", [0, 1, 3])
def test_cancelled_fetch_leaves_nothing(tmp_path, published, monkeypatch, looks):
    answers = iter([False] * looks)
    with mirror(published.files) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url, url))
        fetched, _ = collect(tmp_path, cancelled=lambda: next(answers, True))
    assert fetched is False
    assert not (tmp_path / "MNIST").exists()


def test_fetch_names_a_folder_that_cannot_be_written(tmp_path, published, monkeypatch):
    (tmp_path / "MNIST").write_text("a file where a folder belongs", encoding="utf-8")
    with mirror(published.files) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url,))
        with pytest.raises(OSError, match=r"raw cannot be written: .*\.$"):
            collect(tmp_path)


def page():
    import streamlit as st

    from ui.shell import fetch

    digits = fetch.test_digits()
    if digits is None:
        fetch.offer_mnist("here")
    else:
        st.write(f"{len(digits[0])} digits")


@pytest.fixture
def visit(tmp_path, published, monkeypatch):
    """Return a function that opens the page in a session of its own, with an empty data folder."""
    fetch._shared.clear()
    fetch._read.clear()
    monkeypatch.setenv("CVAE_DATA_DIR", str(tmp_path))
    return lambda: AppTest.from_function(page, default_timeout=10).run()


def wait_for_the_end(app):
    """Rerun, as the progress bar does in a browser, until there is no bar."""
    patience = threading.Event()
    for _ in range(100):
        if not app.get("progress"):
            return app
        patience.wait(0.03)
        app.run()
    raise AssertionError("the download does not end")


def test_button_fetches_the_digits(visit, published, monkeypatch):
    with mirror(published.files) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url,))
        app = visit()
        assert app.button("here_fetch").label == "Fetch MNIST's test digits (1.6 MB)"
        assert "127.0.0.1" in app.caption[0].value
        app = wait_for_the_end(app.button("here_fetch").click().run())
    assert not app.exception and not app.button
    assert app.markdown[0].value == f"{N} digits"


def test_offline_page_says_so_and_offers_another_try(visit, published, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", (closed_port(),))
    app = wait_for_the_end(visit().button("here_fetch").click().run())
    assert not app.exception and not app.error
    assert "127.0.0.1 could not be reached" in app.run().info[0].value
    assert app.button("here_fetch").label == "Try again"
    with mirror(published.files) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url,))
        app = wait_for_the_end(app.button("here_fetch").click().run())
    assert app.markdown[0].value == f"{N} digits"


def test_two_sessions_see_one_download_and_either_cancels_it(visit, published, monkeypatch, tmp_path):
    gate = threading.Event()
    with mirror(published.files, gate=gate) as url:
        monkeypatch.setattr(mnist, "MIRRORS", (url,))
        first, second = visit(), visit()
        first.button("here_fetch").click().run()
        running = fetch._shared().latest
        second.button("here_fetch").click().run()
        assert fetch._shared().latest is running
        assert first.get("progress") and second.get("progress")
        second.button("here_cancel").click().run()
        assert not second.exception and second.button("here_fetch").label.startswith("Fetch")
        assert first.run().button("here_fetch")
        gate.set()
        for _ in range(100):
            if running.finished:
                break
            threading.Event().wait(0.02)
    assert running.finished and not (tmp_path / "MNIST").exists()


def test_page_that_looked_too_early_looks_again(visit, raw, published):
    app = visit()
    write_pair(raw)
    fetch._shared().latest = fetch.Download(finished=True)
    assert app.run().markdown[0].value == f"{N} digits"
    for path in raw.iterdir():
        path.unlink()
    assert app.run().button("here_fetch")  # no endless rerun where the files are gone again


def test_damaged_files_are_one_warning_and_the_button(visit, raw):
    write_pair(raw)
    (raw / mnist.IMAGES).write_bytes(gzip.compress(b"not unpacked"))
    app = visit()
    assert not app.exception and mnist.IMAGES in app.warning[0].value
    assert app.button("here_fetch")
    write_pair(raw)
    assert app.run().markdown[0].value == f"{N} digits"
