"""The admin API and `wiremark keys`: keys shown once, changed at once, by whoever may and nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from wiremark_server import beside, commands, settings
from wiremark_server.edge.admin import Admin
from wiremark_server.edge.front import Front
from wiremark_server.keys import KeyStore
from wiremark_server.metrics.meter import registry_of

SECRET = "an-admin-key-of-some-length"


class Operator:
    """A gateway with an admin API around it."""

    def __init__(self, gateway: Any) -> None:
        self.gateway = gateway
        self.store = KeyStore(gateway.ledger)
        gateway.app = Front(gateway.app, {b"/admin": Admin(gateway.ledger, self.store, SECRET)})

    def __call__(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        given = {"authorization": f"Bearer {SECRET}", "content-type": "application/json", **headers}
        parts = () if document is None else (json.dumps(document).encode(),)
        return self.gateway.request(method, path, *parts, role=None, headers=given, base="")


@pytest.fixture
def operator(in_process: Callable[..., Any]) -> Operator:
    return Operator(in_process())


def made(operator: Operator, **more: Any) -> Mapping[str, Any]:
    answer = operator("POST", "/admin/v1/keys", {"account_id": "acme", **more})
    assert answer.status == 201
    found: Mapping[str, Any] = answer.json
    return found


def chat(operator: Operator, secret: str, **more: Any) -> Any:
    return operator.gateway.chat(None, headers={"authorization": f"Bearer {secret}"}, **more)


def test_a_key_is_made_paid_used_and_ended(operator: Operator) -> None:
    key = made(operator, prefix="sk-acme-")
    assert key["secret"].startswith("sk-acme-")
    assert chat(operator, key["secret"]).status == 402 or chat(operator, key["secret"]).status == 429
    grant = operator("POST", "/admin/v1/accounts/acme/grants", {"amount_microusd": 10**6, "transfer": "t1"})
    again = operator("POST", "/admin/v1/accounts/acme/grants", {"amount_microusd": 10**6, "transfer": "t1"})
    assert (grant.status, again.json["balance_microusd"]) == (201, 10**6)
    assert chat(operator, key["secret"]).status == 200
    assert operator("GET", "/admin/v1/accounts/acme").json["balance_microusd"] < 10**6
    assert operator("POST", f"/admin/v1/keys/{key['id']}/disable").json["state"] == "disabled"
    assert chat(operator, key["secret"]).status in (401, 403)
    assert operator("POST", f"/admin/v1/keys/{key['id']}/enable").json["state"] == "active"
    rotated = operator("POST", f"/admin/v1/keys/{key['id']}/rotate").json
    assert chat(operator, key["secret"]).status == 401
    assert chat(operator, rotated["secret"]).status == 200
    assert operator("POST", f"/admin/v1/keys/{key['id']}/revoke").json["state"] == "revoked"
    assert chat(operator, rotated["secret"]).status == 401
    assert operator("POST", f"/admin/v1/keys/{key['id']}/enable").status == 404


def test_a_secret_begins_as_its_contract_says(in_process: Callable[..., Any]) -> None:
    gateway = in_process("c0mpute")
    services = gateway.app.services
    sites = beside.sites(
        *(gateway.ledger, gateway.keys, services.clock, [services], registry_of([]), lambda: ""),
        *(b"s" * 32, SECRET),
    )
    operator = Operator(gateway)
    gateway.app = Front(gateway.app, sites)
    for more in ({}, {"contract": "c0mpute"}):
        key = made(operator, **more)
        assert key["secret"].startswith("sk-c0mpute-")
        rotated = operator("POST", f"/admin/v1/keys/{key['id']}/rotate").json
        assert rotated["secret"].startswith("sk-c0mpute-")


def test_scopes_caps_and_limits_hold(operator: Operator) -> None:
    models = [model.id for model in operator.gateway.contract.models]
    operator("POST", "/admin/v1/accounts/acme/grants", {"amount_microusd": 10**9})
    scoped = made(operator, allowed_models=models[1:2])["secret"]
    assert chat(operator, scoped, model=models[0]).status in (403, 404)
    capped = made(operator, monthly_cap_microusd=0)["secret"]
    assert chat(operator, capped).status in (402, 429)
    slow = made(operator, requests_per_minute=1)
    assert slow["limits"] == {"requests_per_minute": 1}
    assert [chat(operator, slow["secret"]).status for _ in range(2)] == [200, 429]


def test_a_secret_is_shown_once(operator: Operator) -> None:
    key = made(operator)
    listing = operator("GET", "/admin/v1/keys")
    one = operator("GET", f"/admin/v1/keys/{key['id']}")
    assert key["id"] in listing.body.decode()
    for answer in (listing, one):
        assert key["secret"] not in answer.body.decode()
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {SECRET}", f"Bearer {SECRET}x"])
def test_nobody_else_may(operator: Operator, header: str) -> None:
    answer = operator("GET", "/admin/v1/keys", authorization=header)
    assert answer.status == 401
    ours = operator.gateway.secrets["default"]
    assert operator("GET", "/admin/v1/keys", authorization=f"Bearer {ours}").status == 401


@pytest.mark.parametrize(
    ("method", "path", "document", "status", "said"),
    [
        ("GET", "/admin/v1/nothing", None, 404, "nothing is served"),
        ("GET", "/admin/v1/keys/key_none", None, 404, "nothing is served"),
        ("DELETE", "/admin/v1/keys", None, 405, "GET, POST"),
        ("POST", "/admin/v1/keys", {}, 400, "account_id"),
        ("POST", "/admin/v1/keys", {"account_id": ""}, 400, "needs a name"),
        ("POST", "/admin/v1/keys", {"account_id": "a", "monthly_cap": 5}, 400, "monthly_cap"),
        ("POST", "/admin/v1/keys", {"account_id": "a", "requests_per_minute": 0}, 400, "Expected 1"),
        ("POST", "/admin/v1/keys", {"account_id": "a", "allowed_models": "m"}, 400, "array"),
        ("POST", "/admin/v1/accounts/a/grants", {"amount_microusd": 0}, 400, "Expected 1"),
        ("POST", "/admin/v1/accounts/a/grants", {"amount_microusd": 2**63}, 400, "Expected 1"),
        ("POST", "/admin/v1/accounts/a/grants", {"amount_microusd": 1.5}, 400, "int"),
    ],
)
def test_what_is_wrong_is_told(
    operator: Operator, method: str, path: str, document: Any, status: int, said: str
) -> None:
    answer = operator(method, path, document)
    assert answer.status == status
    assert said in answer.json["error"]["message"]


def test_other_paths_are_the_gateway_s(operator: Operator) -> None:
    assert operator.gateway.get("/models").status == 200


def printed(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_keys_are_managed_beside_the_server_that_owns_the_file(
    in_process: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = in_process()
    place = gateway.ledger.name
    scope = ["--models", "wiremark-large", "--monthly-cap", "500000", "--concurrent-requests", "3"]
    assert commands.keys(["create", "--db", place, "--account", "acme", "--grant", "1000000", *scope]) == 0
    (key,) = printed(capsys)
    for contract, prefix in (
        ("c0mpute", "sk-c0mpute-"),
        ("hermes-tokens", "hermes_pk_"),
        ("unheard-of", "sk-"),
    ):
        of = ["create", "--db", place, "--account", "b", "--contract", contract]
        assert commands.keys(of) == 0
        (other,) = printed(capsys)
        assert other["secret"].startswith(prefix)
        assert commands.keys(["rotate", "--db", place, other["id"]]) == 0
        assert printed(capsys)[0]["secret"].startswith(prefix)
    assert key["allowed_models"] == ["wiremark-large"]
    assert key["limits"] == {"concurrent_requests": 3}

    def status(secret: str) -> int:
        answer = gateway.chat(None, headers={"authorization": f"Bearer {secret}"}, model="wiremark-large")
        found: int = answer.status
        return found

    assert status(key["secret"]) == 200
    assert commands.keys(["rotate", "--db", place, key["id"]]) == 0
    (rotated,) = printed(capsys)
    assert [status(key["secret"]), status(rotated["secret"])] == [401, 200]
    assert commands.keys(["revoke", "--db", place, key["id"]]) == 0
    assert status(rotated["secret"]) == 401
    capsys.readouterr()
    assert commands.keys(["list", "--db", place]) == 0
    listed = {entry["id"]: entry["state"] for entry in printed(capsys)}
    assert listed[key["id"]] == "revoked"
    assert commands.keys(["enable", "--db", place, key["id"]]) == 2
    assert "or it was revoked" in capsys.readouterr().err


def test_keys_of_a_database_that_several_share(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    from wiremark_server.clock import SystemClock
    from wiremark_server.ledger.store import Ledger

    asyncio.run(Ledger.open(place, SystemClock()).close())
    assert commands.keys(["create", "--db", place, "--account", "a"]) == 0
    assert commands.keys(["list", "--db", place]) == 0
    made_, listed = printed(capsys)
    assert made_.pop("secret").startswith("sk-")
    assert made_ == listed


def test_keys_need_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.keys(["list", "--db", str(tmp_path / "none.sqlite")]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_admin_key_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(settings.ADMIN_VARIABLE, raising=False)
    assert settings.parse([]).admin_key is None
    file = tmp_path / "admin"
    file.write_text(f"{SECRET}\n")
    given = settings.parse(["--admin-key-file", str(file)])
    assert given.admin_key == SECRET
    assert SECRET not in repr(given)
    monkeypatch.setenv(settings.ADMIN_VARIABLE, SECRET)
    assert settings.parse([]).admin_key == SECRET
    for content in ("short", ""):
        file.write_text(content)
        with pytest.raises(SystemExit):
            settings.parse(["--admin-key-file", str(file)])
        assert "at least 16 ASCII characters" in capsys.readouterr().err
