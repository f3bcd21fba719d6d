"""The dashboard in a real browser, by keyboard and as a screen reader is told of it."""

from __future__ import annotations

import csv
import io
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import children
from wiremark_schemas import credentials

from tests.system.chromium import Page, browser

CONTRACTS = ("hermes-tokens", "c0mpute", "apipie", "banana2", "aimlapi")
MARK = "Quagmire-Zephyr-7319"
ADMIN = "an-admin-key-of-some-length"

CONTRAST = """
(() => {
  const channels = (text) => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own && !['INPUT', 'SELECT'].includes(e.tagName)) continue;
    const [a, b] = [light(channels(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${e.tagName} ${e.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return poor;
})()
"""
STRUCTURE = """
(() => {
  const wrong = [];
  const headings = [...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1]);
  if (document.querySelectorAll('h1').length !== 1) wrong.push('one h1');
  headings.forEach((h, i) => { if (i && h > headings[i - 1] + 1) wrong.push(`heading ${i} skips a level`); });
  for (const t of document.querySelectorAll('table')) {
    if (!t.caption || !t.caption.textContent.trim()) wrong.push('a table without a caption');
    if (t.querySelector('th:not([scope])')) wrong.push(`${t.caption.textContent}: th without scope`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id twice');
  if (!document.documentElement.lang) wrong.push('no language');
  if (document.querySelector('script,[style],[onclick]')) wrong.push('a script or a style in the page');
  return wrong;
})()
"""


@dataclass(frozen=True)
class Served:
    origin: str
    folder: Path

    def key(self, contract: str, role: str = "default") -> str:
        return credentials.load(self.folder / f"keys.{contract}.yaml")[role]

    def ask(self, url: str, secret: str, document: Any = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
        body = None if document is None else json.dumps(document).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def chat(self, secret: str) -> tuple[int, Any]:
        messages = [{"role": "user", "content": f"Say exactly: {MARK}"}]
        asked = {"model": "deepseek-v4-flash", "messages": messages}
        return self.ask(f"{self.origin}/hermes-tokens/api/v1/chat/completions", secret, asked)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All contracts on one port, and an operator."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "admin").write_text(ADMIN)
    command = [
        *(sys.executable, "-m", "wiremark_server", "serve", "--contract", ",".join(CONTRACTS)),
        *("--port", "0", "--credentials-file", str(folder / "keys.yaml")),
        *("--db", str(folder / "ledger.sqlite"), "--admin-key-file", str(folder / "admin")),
    ]
    with children.running(command, piped=True) as server:
        origin = children.Output(server).line_with("listening on ", 30)
        assert origin is not None
        yield Served(origin, folder)


@pytest.fixture
def page(served: Served) -> Iterator[Page]:
    with browser() as found:
        yield found
        strange = [url for url in found.urls if not url.startswith((served.origin, "data:", "about:"))]
        assert strange == []
        assert [said for said in found.complaints if "401" not in said] == []


def sign_in(page: Page, served: Served, secret: str) -> None:
    page.go(f"{served.origin}/dashboard")
    page.press("Tab")
    assert page.focused() == ("link", "Skip to content")
    page.tab_to("textbox", "Key")
    page.write(secret)
    page.loaded_after(lambda: page.press("Enter"))


def follow(page: Page, role: str, name: str) -> None:
    page.tab_to(role, name)
    page.loaded_after(lambda: page.press("Enter"))


def sound(page: Page) -> None:
    """What any of the pages owes to those who do not see it, or not well, or on a small screen."""
    assert page.evaluate(STRUCTURE) == []
    assert page.nameless() == []
    assert {"main", "banner"} <= {role for role in ("main", "banner", "form") if page.named(role)}
    for scheme in ("light", "dark"):
        page.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        assert page.evaluate(CONTRAST) == [], scheme
    page.tell("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.tell("Emulation.clearDeviceMetricsOverride")
    assert MARK not in page.evaluate("document.documentElement.outerHTML")


def figure(page: Page, name: str) -> str:
    script = (
        "Object.fromEntries([...document.querySelectorAll('dl div')].map((d) => d.innerText.split('\\n')))"
    )
    return str(page.evaluate(script)[name])


@pytest.mark.real
def test_a_customer_sees_the_call_makes_a_key_and_takes_the_rows_home(
    served: Served, page: Page, tmp_path: Path
) -> None:
    secret = served.key("hermes-tokens")
    page.go(f"{served.origin}/dashboard/keys")
    assert page.named("heading") == ["Sign in"]
    sound(page)
    sign_in(page, served, secret)
    sound(page)
    before = figure(page, "Available")
    status, answer = served.chat(secret)
    assert (status, MARK in json.dumps(answer)) == (200, True)
    page.reload()
    _, balance = served.ask(f"{served.origin}/hermes-tokens/api/v1/balance", secret)
    assert figure(page, "Available") != before
    assert (
        int(figure(page, "Available").translate(str.maketrans("", "", "$,."))) == balance["balance_microusd"]
    )
    assert "deepseek-v4-flash" in page.text()

    follow(page, "link", "Keys")
    page.tab_to("textbox", "Monthly cap in dollars")
    page.write("12.50")
    follow(page, "button", "Create key")
    assert [name for name in page.named("heading") if name.startswith("The secret of")] != []
    made = page.evaluate("document.getElementById('secret').value")
    sound(page)
    assert made.startswith("hermes_pk_")
    assert served.chat(made)[0] == 200
    page.go(f"{served.origin}/dashboard/keys")
    assert made not in page.evaluate("document.documentElement.outerHTML")
    assert "$12.500000" in page.text()
    assert made not in (served.folder / "ledger.sqlite").read_bytes().decode("latin-1")

    (key_id,) = [
        name.removeprefix("Change ")
        for name in page.named("DisclosureTriangle")
        if name.removeprefix("Change ") in row_with(page, "$12.500000")
    ]
    page.tab_to("DisclosureTriangle", f"Change {key_id}")
    page.press("Enter")
    follow(page, "button", "Disable")
    assert served.chat(made)[0] in (401, 403)

    follow(page, "link", "Requests")
    sound(page)
    page.tab_to("link", "All of these as CSV")
    taken = page.download_after(lambda: page.press("Enter"), tmp_path)
    rows = list(csv.DictReader(io.StringIO(taken.decode())))
    _, told = served.ask(f"{served.origin}/hermes-tokens/api/v1/usage", secret)
    (own,) = [row for row in rows if row["request_id"] == told["data"][0]["request_id"]]
    assert {name: own[name] for name in ("model", "status", "amount_microusd", "prompt_tokens")} == {
        name: str(told["data"][0][name]) for name in ("model", "status", "amount_microusd", "prompt_tokens")
    }
    assert MARK not in taken.decode()
    follow(page, "button", "Sign out")
    assert page.named("heading") == ["Sign in"]


def row_with(page: Page, text: str) -> str:
    rows: list[str] = page.evaluate("[...document.querySelectorAll('tbody tr')].map((row) => row.innerText)")
    return next(row for row in rows if text in row)


@pytest.mark.real
def test_an_operator_sees_providers_money_and_holds(served: Served, page: Page) -> None:
    secret = served.key("apipie")
    model = served.ask(f"{served.origin}/apipie/v1/models", secret)[1]["data"][0]["id"]
    asked = {"model": model, "messages": [{"role": "user", "content": MARK}]}
    assert [served.ask(f"{served.origin}/apipie/v1/chat/completions", secret, asked)[0] for _ in "123"] == [
        200
    ] * 3
    sign_in(page, served, ADMIN)
    sound(page)
    follow(page, "link", "Providers")
    sound(page)
    plots = page.named("image")
    assert any("3 requests, up to" in name for name in plots), plots
    assert page.named("heading")[0] == "Providers"
    follow(page, "link", "Accounts")
    sound(page)
    page.tab_to("textbox", "Account")
    page.write("acme & <sons>")
    page.tab_to("textbox", "Dollars")
    page.write("3.25")
    follow(page, "button", "Grant")
    assert "$3.250000" in row_with(page, "acme & <sons>")
    follow(page, "link", "Journal of acme & <sons>")
    sound(page)
    assert "grant" in row_with(page, "$3.250000")
    assert "No open holds." in page.text()
