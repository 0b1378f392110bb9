"""What is put on a server: locks that hold what the app imports, and files for containers and proxies."""

import ast
import http.server
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from tests.conftest import ROOT
from tests.e2e.serving import wait_for
from tests.e2e.test_proxy import free_port, written

TRAINS = {"torchvision", "lightning-fabric", "tqdm", "scikit-learn", "opentsne"}


def locked(name: str) -> dict[str, str]:
    """Return the version of each package of a lock; each has at least one hash, and no line names a registry."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==\S+( +--hash=sha256:[0-9a-f]{64})+", line) for line in lines)
    return dict(line.split()[0].split("==") for line in lines)


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.lower().split("==") for line in lines if not line.startswith("-r"))


def test_locks_hold_what_the_pins_say():
    serves, all_of_them = locked("requirements-serve.lock"), locked("requirements.lock")
    assert serves.items() <= all_of_them.items()
    assert not TRAINS & serves.keys() and all_of_them.keys() >= TRAINS
    assert not [name for name in serves if name.startswith(("nvidia", "triton"))]
    for pins, lock in (("requirements-serve.txt", serves), ("requirements.txt", all_of_them)):
        for name, version in pinned(pins).items():
            assert lock[name].split("+")[0].startswith(version.removesuffix("*")), name


def test_an_image_has_every_folder_that_the_app_imports():
    kept = set(re.findall(r"^COPY .*?(\S+) /app", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[0] == "!"}
    assert kept | {"requirements-serve.lock", "deploy/slim.sh"} == let_in
    own = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for path in [ROOT / "app.py", *(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} & own <= kept


class Replica(http.server.BaseHTTPRequestHandler):
    """Answers everything, as a replica of the app that is up."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def replica(port: int):
    """Let a replica answer on a port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Replica) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def status(address: str, cookie: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers={"Cookie": cookie}), timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.skipif(not shutil.which("nginx"), reason="needs nginx: apt-get install nginx-light")
def test_nginx_leads_to_the_replica_that_is_up_however_soon_they_change(tmp_path):
    """Each in turn is ended and comes back at once, as in an update, with visitors of both."""
    ports, port = [free_port(), free_port()], free_port()
    command = written("nginx", tmp_path, port, [f"127.0.0.1:{p}" for p in ports], True)
    proxy = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/demo/"
    try:
        with replica(ports[0]), replica(ports[1]):
            wait_for(address, proxy)
        for up in (0, 1, 0):
            with replica(ports[up]):
                for who in ("", *(f"replica={p}" for p in ports)):
                    assert [status(address, who) for _ in range(3)] == [200] * 3
        with replica(ports[0]):
            for hidden in ("metrics", "metrics/", "_stcore/metrics", "_stcore/metrics/", "/metrics"):
                assert status(address + hidden, "") == 403
    finally:
        proxy.terminate()
        proxy.wait(20)


@pytest.mark.skipif(not shutil.which("caddy"), reason="needs Caddy: apt-get install caddy")
def test_the_configuration_of_caddy_is_valid():
    command = ["caddy", "adapt", "--adapter", "caddyfile", "--config", str(ROOT / "deploy" / "Caddyfile"), "--validate"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not done.returncode, done.stderr
