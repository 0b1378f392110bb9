"""The app among strangers: what leaves this machine, what pages may load, who is refused."""

import ipaddress
import os
import socket
from urllib.parse import urlsplit

import pytest

from benchmarks import damage
from tests.e2e.serving import running_app, until_shown

RECORDS = """
import os, sys
def record(event, what):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["RECORDED"], "a", encoding="utf-8") as file:
            address = what[1] if event in ("socket.connect", "socket.sendto") else what[0]
            file.write(f"{address[0] if isinstance(address, tuple) else address}\\n")
sys.addaudithook(record)
"""
WORDS = "![m](http://strange.test/p.png)"
PAGES = [
    ("/", ".live[data-shown]"),
    ("/Explore?model=cvae-conv", ".live[data-shown]"),
    ("/Generate?model=cvae-conv", "[data-testid=stImage] img, .live[data-shown]"),
    ("/Draw", ".pad"),
    ("/Inpaint", ".pad"),
    ("/Map", "canvas"),
    ("/Faces", "canvas, [data-testid=stImage] img"),
    ("/Models", "table"),
    ("/Models?view=Loss+curves", ".js-plotly-plot"),
    ("/Models?view=Watch+it+learn", "[data-testid=stMain] canvas"),
    (f"/Explore?model={WORDS}&z={WORDS}&label={WORDS}", "[data-testid=stAlert]"),
    ("/Explore?embed=true", ".live[data-shown]"),
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Start the app for the whole network; give its address and the file of all that it tried to connect to."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "sitecustomize.py").write_text(RECORDS, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    told = {"PYTHONPATH": path, "RECORDED": str(folder / "connections"), "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    with running_app(**told) as address:
        yield address, folder / "connections"


def outside(file) -> list[str]:
    """Return what was tried that is not this machine."""
    tried = file.read_text(encoding="utf-8").split() if file.is_file() else []
    return [address for address in tried if address not in ("None", "localhost") and not _is_here(address)]


def _is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback or ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False


def ask(address: str, path: str, *lines: str) -> str:
    """Return the first line of an answer."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode())
        return connection.recv(4096).decode("latin-1").splitlines()[0]


UPGRADE = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
]


@pytest.mark.parametrize(
    "origin", ["http://strange.test", "http://localhost:1", "http://192.0.2.1:8501", "null", "http://["]
)
@pytest.mark.parametrize("path, lines", [("/_stcore/stream", UPGRADE), ("/api/decode?model=vae-dense-2d&z=0,0", [])])
def test_a_foreign_page_is_refused_without_a_call_to_anybody(recorded, origin, path, lines):
    address, file = recorded
    host = urlsplit(address).netloc
    assert "403" in ask(address, path, f"Host: {host}", f"Origin: {origin}", *lines)
    assert "403" not in ask(address, path, f"Host: {host}", f"Origin: http://{host}", *lines)
    assert outside(file) == []


def test_a_name_that_was_turned_to_this_machine_opens_nothing(recorded):
    address, _ = recorded
    for path in ("/", "/api/decode?model=vae-dense-2d&z=0,0", "/_stcore/host-config", "/Explore"):
        assert "421" in ask(address, path, "Host: strange.test:8501")
        assert "200" in ask(address, path, "Host: 192.0.2.9:8501")  # an address of this machine's, for all it knows
    assert "403" in ask(address, "/_stcore/stream", "Host: strange.test", "Origin: http://strange.test", *UPGRADE)


def test_all_pages_stay_on_this_machine_and_load_what_they_may(recorded, browser):
    address, file = recorded
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, strange, complaints = context.new_page(), [], []
    page.on(
        "request", lambda request: request.url.startswith((address, "data:", "blob:")) or strange.append(request.url)
    )
    page.on("websocket", lambda ws: urlsplit(ws.url).netloc == urlsplit(address).netloc or strange.append(ws.url))
    page.on("console", lambda m: "Content Security Policy" in m.text and complaints.append(m.text))
    for path, shown in PAGES:
        answer = page.goto(address + path)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        until_shown(page, shown, 60)
        page.wait_for_timeout(1500)  # what a page loads after its first picture
        assert (path, strange, complaints) == (path, [], [])
    context.close()
    assert outside(file) == []


def test_nonsense_of_strangers_costs_no_traceback_and_nobody_else():
    """benchmarks/damage.py does the same with thousands."""
    results, tracebacks, most, said = damage.damage(40, seed=7)
    assert not tracebacks, said[said.index("Traceback") - 500 :][:4000]
    assert most < 1024
    for kind, seen in results.items():
        assert seen.total() == 40 and not seen["traceback"] and not seen["hang"], (kind, seen)
    assert results["uploads"]["page"] == 40
