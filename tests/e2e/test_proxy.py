"""The app behind nginx and Caddy, two replicas of it, one of which ends while visitors draw; `make serve-check`."""

import shutil
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from tests.e2e.serving import ROOT, running_server, until_shown, wait_for

PROXIES = [name for name in ("nginx", "caddy") if shutil.which(name)]
CADDY = """
{
	admin off
	auto_https off
}
http://127.0.0.1:PORT {
	WAY /demo/* {
		reverse_proxy REPLICAS {
			lb_policy cookie replica
			lb_try_duration 5s
			fail_duration 5s
		}
	}
}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def written(proxy: str, folder, port: int, replicas: list[str], strips: bool) -> list[str]:
    """Write the configuration of a proxy; return the command that starts it."""
    file = folder / proxy
    if proxy == "caddy":
        text = CADDY.replace("PORT", str(port)).replace("WAY", "handle_path" if strips else "handle")
        file.write_text(text.replace("REPLICAS", " ".join(replicas)), encoding="utf-8")
        return ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8").replace("listen 80", f"listen 127.0.0.1:{port}")
    for number, replica in enumerate(replicas, 8501):
        text = text.replace(str(number), replica.rpartition(":")[2])
    text = text if strips else text.replace("rewrite ^", "# ")
    places = "".join(
        f"{what}_temp_path {folder}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    around = f"pid {folder}/pid; error_log stderr error; daemon off; events {{}} http {{ access_log off; {places}\n"
    file.write_text(f"{around}{text}}}\n", encoding="utf-8")
    return ["nginx", "-p", str(folder), "-c", str(file)]


@contextmanager
def served(proxy: str, folder, strips: bool):
    """Start two replicas and a proxy before them; give its address, and address and process of each replica."""
    below = {} if strips else {"STREAMLIT_SERVER_BASE_URL_PATH": "demo"}
    with ExitStack() as stack:
        replicas = [stack.enter_context(running_server(path="" if strips else "/demo", **below)) for _ in range(2)]
        port = free_port()
        command = written(proxy, folder, port, [urlsplit(address).netloc for address, _ in replicas], strips)
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/demo/_stcore/health", running)
            yield f"http://127.0.0.1:{port}/demo", replicas
        finally:
            running.terminate()
            running.wait(20)


@pytest.fixture(scope="module", params=[(name, strips) for name in PROXIES for strips in (True, False)], ids=str)
def proxied(request, tmp_path_factory):
    name, strips = request.param
    with served(name, tmp_path_factory.mktemp(name), strips) as found:
        yield found


@pytest.mark.skipif(not PROXIES, reason="needs nginx or Caddy: apt-get install nginx-light caddy")
def test_pages_work_below_a_path_and_no_link_leads_out_of_it(proxied, browser):
    address, _ = proxied
    context, failed = browser.new_context(), []
    page = context.new_page()

    def seen(response):
        if "/api/" in response.url and (response.status >= 400 or not response.url.startswith(address)):
            failed.append(f"{response.status} {response.url}")

    page.on("response", seen)
    for path, shown in (
        ("/", ".live[data-shown]"),
        ("/Explore?model=cvae-conv", ".live[data-shown]"),
        ("/Map", ".plot canvas"),
        ("/Draw", ".pad"),
    ):
        page.goto(address + path)
        until_shown(page, shown, 60)
        page.wait_for_timeout(1000)
        links = page.eval_on_selector_all("a[href]", "links => links.map((link) => link.href)")
        own = [link for link in links if urlsplit(link).netloc == urlsplit(address).netloc]
        assert own and all(link.startswith(address) for link in own), own
        assert not failed
    context.close()


@pytest.mark.parametrize("proxy", PROXIES)
def test_visitors_of_a_replica_that_ends_keep_their_pages(proxy, tmp_path, browser):
    with served(proxy, tmp_path, True) as (address, replicas):
        visitors = [browser.new_context(user_agent=f"visitor {i}").new_page() for i in range(4)]
        for page in visitors:
            page.goto(f"{address}/Explore?model=cvae-conv")
            until_shown(page, ".live[data-shown]", 60)
            page.get_by_role("button", name="Random point").click()
            page.wait_for_url("**z=*")
        before = [page.url for page in visitors]
        address_of_first, first = replicas[0]
        first.kill()
        assert [page.url for page in visitors] == before
        for page, old in zip(visitors, before, strict=True):
            page.wait_for_timeout(1000)
            page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]", timeout=30_000)
            page.get_by_role("button", name="Random point").click()
            page.wait_for_function("old => location.href !== old", arg=old, timeout=30_000)
            assert "model=cvae-conv" in page.url
        with running_server(port=urlsplit(address_of_first).port):  # it comes back, and knows none of its visitors
            visitors[0].wait_for_timeout(6000)  # until the proxy tries it again
            for page in visitors:
                with page.expect_download(timeout=30_000) as download:
                    page.get_by_role("button", name="Take this with you").click()
                assert download.value.path().stat().st_size > 1e6
                page.context.close()
