"""A headless Chromium, driven over its DevTools protocol as a person with a keyboard would use it."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect
from wiremark_loadtests import children

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "chromium-headless-shell")
HEADLESS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
_SECONDS = 30
_KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " ")}
_PROGRESS = "Browser.downloadProgress"
Node = dict[str, Any]


def browser_command() -> str:
    """The browser that is installed; skips the test where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed ({', '.join(BROWSERS)})")
    return found


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """A browser with one page, in a profile of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        command = [
            *(browser_command(), *HEADLESS, "--disable-background-networking"),
            *("--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
            *(f"--user-data-dir={profile}", "about:blank"),
        ]
        with children.running(command, piped=True) as process:
            told = children.Output(process).line_with("DevTools listening on ws://", _SECONDS)
            if told is None:
                pytest.fail("the browser did not start")
            with connect(_new_page(told.partition("/")[0]), max_size=None) as socket:
                yield Page(socket)


def _new_page(address: str) -> str:
    """Where a page that the browser opens for us is spoken to."""
    request = urllib.request.Request(f"http://{address}/json/new?about:blank", method="PUT")
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        return str(json.load(answer)["webSocketDebuggerUrl"])


class Page:
    """urls: what has been asked for; complaints: errors on the console, such as a policy that was broken"""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self._events: list[Node] = []
        self.urls: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Network", "Log", "DOM", "Accessibility"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **parameters: Any) -> Node:
        """Send a command and return its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = self._receive()
            if message.get("id") == self._number:
                assert "error" not in message, (method, message["error"])
                result: Node = message["result"]
                return result

    def _receive(self) -> Node:
        message: Node = json.loads(self._socket.recv(timeout=_SECONDS))
        if message.get("method") == "Network.requestWillBeSent":
            self.urls.append(message["params"]["request"]["url"])
        elif message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.complaints.append(message["params"]["entry"]["text"])
        if "method" in message:
            self._events.append(message)
        return message

    def loaded_after(self, act: Callable[[], object]) -> None:
        """Do something, and wait until the page that it leads to is there."""
        self.event_after(act, "Page.loadEventFired")

    def event_after(
        self, act: Callable[[], object], method: str, met: Callable[[Node], bool] = lambda _: True
    ) -> Node:
        self._events.clear()
        act()
        while True:
            for event in self._events:
                if event["method"] == method and met(event["params"]):
                    found: Node = event["params"]
                    return found
            self._receive()

    def go(self, url: str) -> None:
        self.loaded_after(lambda: self.tell("Page.navigate", url=url))

    def reload(self) -> None:
        self.loaded_after(lambda: self.tell("Page.reload"))

    def press(self, key: str) -> None:
        code, text = _KEYS[key]
        down = {"key": key, "code": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
        self.tell("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **down)
        self.tell("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def write(self, text: str) -> None:
        self.tell("Input.insertText", text=text)

    def tab_to(self, role: str, name: str, most: int = 200) -> None:
        """Press Tab until the focus is on what a screen reader calls by that role and name."""
        passed = []
        for _ in range(most):
            self.press("Tab")
            focused = self.focused()
            if focused == (role, name):
                return
            passed.append(focused)
        pytest.fail(f"no Tab leads to the {role} {name!r}, only to {passed}")

    def focused(self) -> tuple[str, str]:
        for node in self.tree():
            for entry in node.get("properties", ()):
                if entry["name"] == "focused" and entry["value"]["value"] and _role(node) != "RootWebArea":
                    return _role(node), _name(node)
        return "", ""

    def tree(self) -> list[Node]:
        """The accessibility tree: what a screen reader is given."""
        nodes: list[Node] = self.tell("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node.get("ignored")]

    def named(self, role: str) -> list[str]:
        """The names of everything that has a role."""
        return [_name(node) for node in self.tree() if _role(node) == role]

    def nameless(self) -> list[str]:
        """Roles of what can have the focus, or is a picture, and has no name."""
        return [
            _role(node)
            for node in self.tree()
            if not _name(node) and (_role(node) == "image" or (_focusable(node) and _role(node) not in _BARE))
        ]

    def evaluate(self, script: str) -> Any:
        result = self.tell("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def text(self) -> str:
        found: str = self.evaluate("document.body.innerText")
        return found

    def download_after(self, act: Callable[[], object], folder: Path) -> bytes:
        """What a link that is followed gives, as a file."""
        allowed = {"behavior": "allow", "downloadPath": str(folder), "eventsEnabled": True}
        self.tell("Browser.setDownloadBehavior", **allowed)
        begun = self.event_after(act, "Browser.downloadWillBegin")
        path = folder / str(begun["suggestedFilename"])
        if not any(_complete(event) for event in self._events):
            self.event_after(
                lambda: None, "Browser.downloadProgress", lambda said: said["state"] == "completed"
            )
        return path.read_bytes()

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot")["data"]))


_BARE = ("RootWebArea", "main", "generic", "none")


def _complete(event: Node) -> bool:
    return bool(event["method"] == _PROGRESS and event["params"]["state"] == "completed")


def _role(node: Node) -> str:
    return str(node.get("role", {}).get("value", ""))


def _name(node: Node) -> str:
    return str(node.get("name", {}).get("value", "")).strip()


def _focusable(node: Node) -> bool:
    return any(
        entry["name"] == "focusable" and entry["value"]["value"] for entry in node.get("properties", ())
    )
