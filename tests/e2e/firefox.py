"""A headless Firefox driven by WebDriver BiDi, of which the tests need few commands."""

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATH = shutil.which("firefox-esr") or shutil.which("firefox")
LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# Finds elements within shadow roots too, in the order of the page.
EVERY = """window.every = (selector, root = document) => [...root.querySelectorAll("*")].flatMap((e) =>
    [...(e.matches(selector) ? [e] : []), ...(e.shadowRoot ? every(selector, e.shadowRoot) : [])]);"""


class Firefox:
    """One tab; `problems` are the errors that its pages have not caught."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, count()
        self.problems: list[str] = []
        self._send("session.new", capabilities={})
        self._send("session.subscribe", events=["log.entryAdded"])
        self._tab = self._send("browsingContext.getTree")["contexts"][0]["context"]

    def _send(self, method: str, **params: Any) -> dict:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (said := json.loads(self._socket.recv(timeout=60))).get("id") != number:
            if said.get("params", {}).get("type") == "javascript" and said["params"]["level"] == "error":
                self.problems.append(said["params"]["text"])
        if said["type"] == "error":
            raise RuntimeError(f"{method}: {said['message']}")
        return said["result"]

    def visit(self, address: str) -> None:
        """Load a page; it does not wait for what scripts add to it."""
        self._send("browsingContext.navigate", context=self._tab, url=address, wait="complete")
        self.evaluate(f"(() => {{ {EVERY} }})()")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, which JSON can hold, or what it promises."""
        awaited = f"(async () => JSON.stringify(await ({expression})))()"
        told = self._send("script.evaluate", expression=awaited, target={"context": self._tab}, awaitPromise=True)
        if told["type"] != "success":
            raise RuntimeError(told["exceptionDetails"]["text"])
        return json.loads(told["result"].get("value", "null"))

    def until(self, expression: str, patience: float = 60) -> None:
        """Wait until an expression is true; AssertionError after `patience` seconds."""
        end = time.monotonic() + patience
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"still not so: {expression}"
            time.sleep(0.05)

    def point(self, *actions: dict) -> None:
        """Do what `move`, `PRESS` and `LIFT` say, with the mouse."""
        hand = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self._send("input.performActions", context=self._tab, actions=[hand])


PRESS, LIFT = {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}


def move(x: float, y: float) -> dict:
    """Return the action that moves the pointer to a place of the screen."""
    return {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 60}


@contextmanager
def running_firefox() -> Iterator[Firefox]:
    """Start a Firefox with a fresh profile, at last end it."""
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        command = [str(PATH), *options, "about:blank"]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            address = next(said[1] for line in browser.stderr or () if (said := LISTENS.search(line)))
            with connect(f"{address}/session", max_size=None) as socket:
                yield Firefox(socket)
        finally:
            browser.terminate()
            browser.communicate(timeout=30)
