"""The dashboard's pages over every contract: who sees what, who changes what, and what no page tells."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from wiremark_schemas import contracts
from wiremark_server import beside
from wiremark_server.clock import ManualClock, rfc3339
from wiremark_server.dashboard import site
from wiremark_server.dashboard.forms import Mistake, microusd
from wiremark_server.dashboard.records import NEWEST, Records, Wanted, sum_of
from wiremark_server.dashboard.session import SECONDS, Sessions
from wiremark_server.edge.front import Front
from wiremark_server.ledger.records import HoldRequest, LedgerUnavailable
from wiremark_server.ledger.store import Ledger
from wiremark_server.metrics.meter import registry_of

SERVED = [name for name in contracts.bundled() if contracts.load(name).models]
ADMIN = "an-admin-key-of-some-length"
PAGES = ("", "/requests", "/requests.csv", "/keys", "/providers")
MARK = "Quagmire-Zephyr-7319"


class Visitor:
    """A browser without eyes: it keeps the cookie and finds the hidden field."""

    def __init__(self, gateway: Any) -> None:
        self.gateway = gateway
        self.store = gateway.keys
        served = [gateway.app.services]
        more = (registry_of([gateway.contract]), lambda: "", b"s" * 32, ADMIN)
        sites = beside.sites(gateway.ledger, self.store, gateway.clock, served, *more)
        gateway.app = Front(gateway.app, sites)
        self.cookie = ""

    def get(self, path: str = "", **headers: str) -> Any:
        return self.request("GET", path, headers)

    def request(self, method: str, path: str, headers: Mapping[str, str], *parts: bytes) -> Any:
        given = {"cookie": f"other=1; wiremark_session={self.cookie}", "host": "x", **headers}
        return self.gateway.request(method, path, *parts, role=None, headers=given, base="/dashboard")

    def send(self, path: str, headers: Mapping[str, str] | None = None, **fields: Any) -> Any:
        given = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        answer = self.request("POST", path, given, urlencode(fields, doseq=True).encode())
        cookie = re.match(r"wiremark_session=([^;]*)", answer.headers.get("set-cookie", ""))
        if cookie:
            self.cookie = cookie[1]
        return answer

    def sign_in(self, secret: str) -> Any:
        return self.send("/sign-in", key=secret)

    def form(self) -> str:
        found = re.search(rb'name="form" value="(\w+)"', self.get("").body)
        assert found
        return found[1].decode()

    def act(self, path: str, **fields: Any) -> Any:
        return self.send(path, form=self.form(), **fields)

    def made(self, **fields: Any) -> tuple[str, str]:
        """Id and secret of a new key."""
        answer = self.act("/keys", **fields)
        assert answer.status == 201
        return shown(answer)


def shown(answer: Any) -> tuple[str, str]:
    found = re.search(
        r"The secret of (key_\w+)<.*?id=\"secret\" value=\"([^\"]+)\"", answer.body.decode(), re.DOTALL
    )
    assert found
    return found[1], found[2]


Open = Callable[..., Visitor]


@pytest.fixture
def visitor(in_process: Callable[..., Any]) -> Open:
    def come(contract: str = "openai", role: str | None = "default") -> Visitor:
        made = Visitor(in_process(contract))
        if role is not None:
            assert made.sign_in(ADMIN if role == "operator" else made.gateway.secrets[role]).status == 303
        return made

    return come


@pytest.mark.parametrize("contract", SERVED)
def test_every_contract_has_its_pages(visitor: Open, contract: str) -> None:
    person = visitor(contract, role=None)
    gateway = person.gateway
    for path in (*PAGES, "/accounts", "/ledger"):
        answer = person.get(path)
        assert (answer.status, b"Sign in" in answer.body) == (200 if path == "" else 401, True)
    for secret, extra, unseen in ((gateway.secrets["default"], 404, "role-capped"), (ADMIN, 200, "")):
        assert person.sign_in(secret).headers["location"] == "/dashboard"
        for path in PAGES:
            answer = person.get(path)
            assert answer.status == 200
            text = answer.body.decode()
            assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", text)
            assert "<script" not in text
            assert not [role for role, key in gateway.secrets.items() if key in text]
            assert not unseen or unseen not in text
        assert [person.get(path).status for path in ("/accounts", "/ledger")] == [extra] * 2


def test_a_call_is_on_the_page_at_once_and_what_was_said_is_not(visitor: Open) -> None:
    person = visitor("hermes-tokens")
    before = person.get().body
    said = [{"role": "user", "content": f"Say exactly: {MARK}"}]
    assert MARK in person.gateway.chat(messages=said).body.decode()
    (row,) = person.gateway.usage()
    after = person.get().body.decode()
    assert row["request_id"] not in before.decode()
    assert row["request_id"] in after
    balance = person.gateway.get("/balance").json["balance_microusd"]
    assert f"${balance // 10**6:,}.{balance % 10**6:06d}" in after
    assert [path for path in PAGES if MARK in person.get(path).body.decode()] == []


def test_requests_are_paged_filtered_and_taken_home(visitor: Open) -> None:
    person = visitor()
    for _ in range(53):
        person.gateway.chat(max_tokens=1)
    person.gateway.chat(model="wiremark-large", max_tokens=1)
    first = person.get("/requests").body.decode()
    older = re.search(r'href="/dashboard/requests\?(below=\d+)"', first)
    assert older
    rest = person.get(f"/requests?{older[1]}").body.decode()
    ids = re.findall(r"<code>(req_\w+)", first) + re.findall(r"<code>(req_\w+)", rest)
    assert ids == [row["request_id"] for row in person.gateway.usage()]
    assert "Older requests" not in rest
    rows = list(csv.DictReader(io.StringIO(person.get("/requests.csv").body.decode())))
    assert [row["request_id"] for row in rows] == ids
    models = {row["model"] for row in rows}
    for model in models:
        chosen = person.get(f"/requests.csv?{urlencode({'model': model})}").body.decode()
        assert {row["model"] for row in csv.DictReader(io.StringIO(chosen))} == {model}
    for query in ("result=cut", "since=2199-01-01", "key=key_other", "model=none"):
        assert person.get(f"/requests.csv?{query}").body.count(b"\n") == 1
    for query in ("result=nonsense", "since=never", "below=x", "since=2001-01-01", "result=ok"):
        assert person.get(f"/requests.csv?{query}").body.count(b"\n") == 55


def test_a_key_is_made_shown_once_used_changed_and_ended(visitor: Open) -> None:
    person = visitor()

    def status(secret: str) -> int:
        found: int = person.gateway.chat(None, headers={"authorization": f"Bearer {secret}"}).status
        return found

    name, secret = person.made(cap="12.5", model=["wiremark-large"])
    assert status(secret) in (200, 403, 404)
    key = person.store.named(name)
    assert (key.monthly_cap, key.allowed_models) == (12_500_000, {"wiremark-large"})
    assert secret not in person.get("/keys").body.decode()
    name, secret = person.made()
    assert status(secret) == 200
    _, second = shown(person.act(f"/keys/{name}/rotate"))
    assert [status(secret), status(second)] == [401, 200]
    assert person.act(f"/keys/{name}/disable").status == 303
    assert status(second) in (401, 403)
    assert person.act(f"/keys/{name}/rotate").status == 400
    assert person.act(f"/keys/{name}/enable").status == 303
    assert status(second) == 200
    assert person.act(f"/keys/{name}/revoke").status == 303
    assert status(second) == 401
    assert person.act(f"/keys/{name}/enable").status == 400


def test_nobody_gets_rid_of_bounds(visitor: Open) -> None:
    for role in ("restricted", "capped", "throttled", "daily"):
        person = visitor(role=role)
        assert b"cannot make or change keys" in person.get("/keys").body
        assert person.act("/keys").status == 400
        own = next(key.id for key in person.store.all() if key.role_hint == role)
        assert person.act(f"/keys/{own}/rotate").status == 400
    person = visitor()
    name, _ = person.made(requests_per_minute="999999999", account="role-capped")
    key = person.store.named(name)
    own_key = next(key for key in person.store.all() if key.role_hint == "default")
    assert (key.account_id, key.limits) == ("role-default", own_key.limits)
    other = next(key.id for key in person.store.all() if key.role_hint == "capped")
    assert person.act(f"/keys/{other}/rotate").status == 400
    assert person.act("/keys/key_none/revoke").status == 400
    assert person.act(f"/keys/{name}/promote").status == 404
    assert person.act("/accounts", account="role-default", amount="5").status == 404


def test_the_operator_makes_keys_and_grants_once(visitor: Open) -> None:
    person = visitor(role="operator")
    name, _ = person.made(account="<b>acme</b>", requests_per_minute="7")
    limits = person.store.named(name).limits
    assert limits is not None
    assert (limits.requests_per_minute, limits.requests_per_day) == (7, None)
    for _ in range(2):
        assert person.act("/accounts", account="<b>acme</b>", amount="3.25", transfer="t").status == 303
    assert person.gateway.run(person.gateway.ledger.balance("<b>acme</b>")).balance == 3_250_000
    for path in ("/accounts", "/ledger", "/keys", "/ledger?account=%3Cb%3Eacme%3C/b%3E"):
        text = person.get(path).body.decode()
        assert "<b>acme" not in text
        assert "&lt;b&gt;acme" in text
    for fields in ({"account": ""}, {"account": "a", "requests_per_day": "0"}, {"account": "a", "cap": "-1"}):
        assert person.act("/keys", **fields).status == 400
    for fields in ({"account": "a", "amount": "0"}, {"account": "a", "amount": "x"}, {"amount": "1"}):
        assert person.act("/accounts", **fields).status == 400


def test_a_key_is_for_a_contract_or_for_all(visitor: Open) -> None:
    customer = visitor("c0mpute")
    name, secret = customer.made(contract="openai")  # a customer's key stays with the contract
    assert (customer.store.named(name).contract, secret[:11]) == ("c0mpute", "sk-c0mpute-")
    assert customer.act("/keys", model="wiremark-large").status == 400
    operator = visitor("c0mpute", role="operator")
    assert operator.store.named(operator.made(account="a")[0]).contract is None
    name, secret = operator.made(account="a", contract="c0mpute", model="c0mpute-max")
    assert (operator.store.named(name).contract, secret[:11]) == ("c0mpute", "sk-c0mpute-")
    assert shown(operator.act(f"/keys/{name}/rotate"))[1].startswith("sk-c0mpute-")
    assert operator.act("/keys", account="a", contract="none").status == 400


def test_an_open_hold_is_shown(visitor: Open) -> None:
    person = visitor(role="operator")
    key = next(key for key in person.store.all() if key.role_hint == "default")
    ledger = person.gateway.ledger
    person.gateway.run(ledger.hold(HoldRequest("req_open", key.account_id, key.id, "m", 1_234_567)))
    assert b"req_open" in person.get("/ledger").body
    assert b"$1.234567" in person.get("/ledger").body
    assert b"req_open" in person.get("/requests?result=open").body
    person.gateway.run(ledger.release("req_open", 500, "failed"))
    assert b"No open holds." in person.get("/ledger").body


@pytest.mark.parametrize("secret", ["", "wrong", "sk-wrong", ADMIN + "x", "é\udcff"])
def test_who_has_no_key_does_not_come_in(visitor: Open, secret: str) -> None:
    person = visitor(role=None)
    answer = person.send("/sign-in", key=secret.encode("utf-8", "surrogateescape"))
    assert (answer.status, "set-cookie" in answer.headers) == (401, False)


@pytest.mark.parametrize("role", ["revoked", "disabled"])
def test_an_ended_key_does_not_come_in(visitor: Open, role: str) -> None:
    person = visitor(role=None)
    assert person.sign_in(person.gateway.secrets[role]).status == 401


def test_a_session_ends_with_its_key_its_time_or_its_secret(visitor: Open) -> None:
    person = visitor()
    own = next(key.id for key in person.store.all() if key.role_hint == "default")
    before = person.cookie
    person.act(f"/keys/{own}/rotate")
    assert person.get("/keys").status == 200  # the answer had a new cookie
    assert person.cookie != before
    person.cookie, after = before, person.cookie
    assert person.get("/keys").status == 401
    person.cookie = after
    person.gateway.clock.advance(SECONDS + 1)
    assert person.get("/keys").status == 401
    for wrong in ("", "a.b.c.d", after[:-1] + ("0" if after[-1] != "0" else "1"), f"operator.{after}", "é"):
        person.cookie = wrong.encode().decode("latin-1")
        assert person.get("/keys").status == 401
    other = Sessions(b"another" * 5, person.gateway.clock).issue(own, person.store.digest(own))
    person.cookie = other
    assert person.get("/keys").status == 401


def test_a_session_ends_when_the_key_is_disabled(visitor: Open) -> None:
    person = visitor()
    own = next(key.id for key in person.store.all() if key.role_hint == "default")
    assert person.act(f"/keys/{own}/disable").status == 303
    assert person.get("/keys").status == 401


def test_other_sites_send_nothing(visitor: Open) -> None:
    person = visitor()
    form = person.form()
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"content-type": "application/json"},
        {"content-type": "text/plain"},
    ):
        assert person.send("/keys", headers, form=form).status == 403
    for wrong in ("", "x", form[:-1], "é"):
        assert person.send("/keys", form=wrong).status == 403
    fine = {"origin": "http://x", "sec-fetch-site": "same-origin"}
    assert person.send("/keys", fine, form=form).status == 201
    assert person.request("PUT", "/keys", {}).status == 405
    assert person.send("/keys", form=form, cap="1" * 70_000).status == 413
    assert person.send("/sign-out", form=form).status == 303
    assert person.get("/keys").status == 401


def test_a_failure_of_our_own_is_a_page_and_a_line_without_its_text(
    visitor: Open, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(visit: Any) -> Any:
        raise ValueError(MARK + str(type(visit)))

    async def away(visit: Any) -> Any:
        raise LedgerUnavailable(MARK + str(type(visit)))

    person = visitor()
    monkeypatch.setattr(site, "PAGES", {(): fail, ("keys",): away})
    answer = person.get()
    assert answer.status == 500
    assert answer.headers["x-request-id"] in answer.body.decode()
    assert person.get("/keys").status == 503
    said = capsys.readouterr().err
    assert answer.headers["x-request-id"] in said
    assert MARK not in said + answer.body.decode()


def test_the_cookie_and_the_headers_are_strict(visitor: Open) -> None:
    person = visitor(role=None)
    answer = person.sign_in(person.gateway.secrets["default"])
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/dashboard"} <= set(cookie.split("; "))
    assert person.gateway.secrets["default"] not in cookie
    for path in ("", "/style.css", "/nothing", "/requests.csv"):
        headers = person.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
    assert person.get("/nothing").status == 404


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12.5", 12_500_000), ("0", 0), ("0.000001", 1), (" 7 ", 7 * 10**6), ("2.", 2 * 10**6)],
)
def test_amounts_are_exact(text: str, amount: int) -> None:
    assert microusd(text, 0) == amount


@pytest.mark.parametrize("text", ["", "x", "-1", "0.0000001", "inf", "nan", "1e9", "9" * 30, "1,5", "\u0661"])
def test_what_is_no_amount_is_told(text: str) -> None:
    with pytest.raises(Mistake, match="is not an amount"):
        microusd(text, 0)


def test_both_stores_tell_the_same(place: str) -> None:
    asyncio.run(_selections(place))


async def _selections(place: str) -> None:
    clock = ManualClock()
    ledger = Ledger.open(place, clock)
    try:
        records = Records(ledger)
        await ledger.grant("a", 1000, "start")
        for number in range(6):
            key, model = ("k1", "k2")[number % 2], ("m1", "m2", "m3")[number % 3]
            await ledger.hold(HoldRequest(f"r{number}", "a", key, model, 10))
            if number < 5:
                await ledger.settle(f"r{number}", number, 2, 3, 200, "cut" if number == 3 else "ok")
            clock.advance(3600)
        start, everything = int(clock.now()) - 6 * 3600, Wanted()

        async def found(keys: Any, wanted: Wanted, limit: int = 9, below: int = NEWEST) -> list[str]:
            return [entry.request_id for entry in await records.requests(keys, wanted, limit, below)]

        assert await found(None, everything) == [f"r{number}" for number in (5, 4, 3, 2, 1, 0)]
        assert await found(["k1", "k2"], everything) == await found(None, everything)
        assert await found(["k2"], everything, 2) == ["r5", "r3"]
        assert await found([], everything) == []
        below = (await records.requests(None, everything, 2))[-1].seq
        assert await found(["k1", "k2"], everything, 2, below) == ["r3", "r2"]
        assert await found(None, Wanted(result="open")) == ["r5"]
        assert await found(["k2"], Wanted(result="cut")) == ["r3"]
        assert await found(None, Wanted(model="m2", since=start + 3 * 3600)) == ["r4"]
        sums = await records.sums(["k1", "k2"], start)
        assert sum_of(sums) == sum_of(await records.sums(None, start))
        assert sum_of(sums) == {
            "requests": 6,
            "prompt_tokens": 10,
            "completion_tokens": 15,
            "amount": 10,
            "cached": 0,
        }
        assert sum_of(await records.sums(["k1"], start + 2 * 3600))["requests"] == 2
        assert [entry.request_id for entry in await records.holds("", 5)] == ["r5"]
        assert await records.holds("b", 5) == []
        assert await records.spent("k1", rfc3339(clock.now())[:7]) == 6
        (account,) = await records.accounts(5)
        assert (account.id, account.available, account.held) == ("a", 980, 10)
        journal = await records.journal("a", 3)
        assert [row.ref for row in journal] == ["r5", "r4", "r4"]
        assert all(row.available + row.held + row.revenue + row.funding == 0 for row in journal)
        assert (await records.journal("", 1, journal[-1].id))[0].ref == "r3"
        assert await records.journal("b", 3) == []
    finally:
        await ledger.close()
