"""Start the app and a browser; shared with benchmarks/."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
QUIET += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # a camera that shows a test picture


@contextmanager
def running_app(root: Path = ROOT, **environment: str):
    """Start the app of a checkout on a free port of this machine; give its address once it answers, at last end it."""
    with running_server(root, **environment) as (address, _):
        yield address


@contextmanager
def running_server(
    root: Path = ROOT, path: str = "", port: int | None = None, log: TextIO | None = None, **environment: str
):
    """As `running_app`, which answers below a path, on a port, into a log if they are named; give the process too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = port or probe.getsockname()[1]
    options = ["--server.port", str(port), "--server.headless", "true"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
    out = log or subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=root, env=os.environ | environment, stdout=out, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}{path}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        server.wait(20)


def wait_for(address: str, server: subprocess.Popen, patience: float = 60) -> None:
    """Return when the address answers; fail if the server ends or patience, in seconds, runs out."""
    end = time.monotonic() + patience
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the app did not answer at {address}")


@contextmanager
def running_browser():
    """Start a Chromium that is on this machine, else the one that Playwright installed."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


def until_shown(page, selector: str, patience: float = 30, pause: int = 10) -> None:
    """Return as soon as what the selector names is shown: Playwright's own wait soon looks only twice a second.

    patience is in seconds, the pause between two looks in milliseconds.
    """
    end = time.monotonic() + patience
    while not page.locator(selector).first.is_visible():
        if time.monotonic() > end:
            raise TimeoutError(f"{selector} did not appear")
        page.wait_for_timeout(pause)
