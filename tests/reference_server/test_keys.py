"""Keys: shown once, stored as a digest, gone at the moment they are revoked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract
from wiremark_schemas.credentials import ROLES
from wiremark_server.clock import ManualClock
from wiremark_server.dialects.format import RequestHead
from wiremark_server.domain.problem import ProblemError
from wiremark_server.keys import AMPLE, Key, KeyStore, LimitOverrides, UnknownKey, provision_roles
from wiremark_server.ledger.records import HoldRequest, LedgerUnavailable, Refused
from wiremark_server.ledger.store import Balance, Hold, Ledger
from wiremark_server.ledger.verify import verify
from wiremark_server.policy.auth import Authenticator

CONTRACT = contracts.load("hermes-tokens")


def play(place: str, scenario: Callable[[Ledger, KeyStore], Awaitable[None]]) -> None:
    async def run() -> None:
        ledger = Ledger.open(place, ManualClock())
        try:
            await scenario(ledger, KeyStore(ledger))
        finally:
            await ledger.close()

    asyncio.run(run())


def test_a_key_is_found_by_its_secret_alone(place: str) -> None:
    async def scenario(_: Ledger, store: KeyStore) -> None:
        key, secret = await store.create("acme", "hermes_pk_", allowed_models=["m1"], monthly_cap=5)
        assert re.fullmatch(r"hermes_pk_[A-Za-z0-9_-]{43}", secret)
        assert store.find(secret) == key
        for wrong in ("", secret[:-1], secret + "x", secret.upper(), key.id, "hermes_pk_", "\udcff"):
            assert store.find(wrong) is None
        assert key.allows("m1")
        assert not key.allows("m2")
        assert Key("k", "a").allows("anything")

    play(place, scenario)


def test_a_key_opens_the_contract_that_it_was_made_for(place: str) -> None:
    def opens(name: str, secret: str, keys: KeyStore, **auth: Any) -> bool:
        contract = contracts.load(name)
        served = Contract(name, {**contract.raw, "auth": {**contract.raw["auth"], **auth}})
        head = RequestHead(lambda header: f"Bearer {secret}" if header == "authorization" else None, {}, {})
        try:
            Authenticator(served, keys)(head)
        except ProblemError as refused:
            assert refused.problem.situation == "invalid_key"  # noqa: PT017 - either way is asserted on
            return False
        return True

    async def scenario(_: Ledger, store: KeyStore) -> None:
        own = (await store.create("a", "sk-c0mpute-", contract="c0mpute"))[1]
        any_ = (await store.create("a", "sk-"))[1]
        assert [opens(name, own, store) for name in ("c0mpute", "aimlapi")] == [True, False]
        assert [opens(name, any_, store) for name in ("c0mpute", "aimlapi")] == [True, True]
        assert opens("aimlapi", own, store, keys_of=["c0mpute"])

    play(place, scenario)


def test_keys_survive_a_restart_with_all_they_may_do(place: str) -> None:
    made: list[tuple[Key, str]] = []

    async def first(_: Ledger, store: KeyStore) -> None:
        made.append(await store.create("a", "sk-"))
        made.append(
            await store.create(
                "b",
                "sk-",
                role_hint="r",
                allowed_models=[],
                monthly_cap=0,
                limits=LimitOverrides(1, 2, 3, full=True),
            )
        )
        gone, secret = await store.create("c", "sk-")
        await store.revoke(gone.id)
        assert store.find(secret) is None
        made.append((gone, secret))

    async def second(_: Ledger, store: KeyStore) -> None:
        assert [store.find(secret) for _, secret in made] == [made[0][0], made[1][0], None]
        assert {key.state for key in store.all()} == {"active", "revoked"}

    play(place, first)
    play(place, second)


def test_a_revoked_key_stays_revoked_and_a_disabled_one_wakes(place: str) -> None:
    async def scenario(_: Ledger, store: KeyStore) -> None:
        key, secret = await store.create("acme", "sk-")
        await store.disable(key.id)
        assert store.find(secret) is None
        await store.enable(key.id)
        assert store.find(secret) == key
        await store.revoke(key.id)
        await store.revoke(key.id)
        for change in (store.enable, store.disable):
            with pytest.raises(UnknownKey, match="was revoked"):
                await change(key.id)
        assert store.find(secret) is None
        with pytest.raises(UnknownKey, match="key nobody: there is no such key"):
            await store.revoke("nobody")

    play(place, scenario)


def test_a_key_that_could_not_be_stored_does_not_work(place: str) -> None:
    async def scenario(ledger: Ledger, store: KeyStore) -> None:
        await ledger.close()
        with pytest.raises(LedgerUnavailable):
            await store.create("acme", "sk-")
        assert store.all() == ()

    play(place, scenario)


def everything_in(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir()]


def test_no_file_holds_a_secret(tmp_path: Path) -> None:
    found: dict[str, str] = {}
    found_on_disk: list[bytes] = []

    async def scenario(ledger: Ledger, store: KeyStore) -> None:
        found.update(await provision_roles(store, ledger, CONTRACT, 1))
        assert not [secret for secret in found.values() if secret in repr(store.all())]
        found_on_disk.extend(await asyncio.to_thread(everything_in, tmp_path))

    play(str(tmp_path / "ledger.db"), scenario)
    assert set(found) == set(ROLES)
    assert len(found_on_disk) >= 2  # looked while the server ran, so at the write-ahead log too
    for secret in found.values():
        bare = secret.removeprefix("hermes_pk_").encode()
        assert not any(bare in content for content in found_on_disk)


def test_every_role_behaves_as_its_name_says(place: str) -> None:
    model, *others = [model.id for model in CONTRACT.models]

    async def hold(ledger: Ledger, key: Key) -> Hold | Refused:
        return await ledger.hold(
            HoldRequest(f"try-{key.id}", key.account_id, key.id, model, 10, key.monthly_cap)
        )

    async def scenario(ledger: Ledger, store: KeyStore) -> None:
        secrets = await provision_roles(store, ledger, CONTRACT, 1)
        assert store.find(secrets["revoked"]) is None
        keys = {role: key for role, secret in secrets.items() if (key := store.find(secret))}
        assert {role: key.role_hint for role, key in keys.items()} == {
            r: r for r in ROLES if r not in {"revoked", "disabled"}
        }
        assert isinstance(await hold(ledger, keys["default"]), Hold)
        assert isinstance(await hold(ledger, keys["restricted"]), Hold)
        assert await hold(ledger, keys["exhausted"]) == Refused("insufficient_credits")
        assert await hold(ledger, keys["capped"]) == Refused("monthly_cap_reached")
        assert keys["restricted"].allowed_models == frozenset(others)
        assert keys["throttled"].limits == LimitOverrides(full=True)
        assert keys["daily"].limits == LimitOverrides(full_day=True)
        assert keys["default"].allows(model)
        (row,) = (await ledger.usage(keys["capped"].id, 5)).rows
        assert (row.amount, row.model, row.state) == (1, model, "settled")

    play(place, scenario)
    assert all(result.ok for result in verify(place))


def test_another_start_makes_new_secrets_and_the_same_balances(place: str) -> None:
    seen: list[dict[str, str]] = []

    async def scenario(ledger: Ledger, store: KeyStore) -> None:
        seen.append(await provision_roles(store, ledger, CONTRACT, 1))
        assert await ledger.balance("role-default") == Balance(AMPLE, 0)
        assert await ledger.balance("role-exhausted") == Balance(0, 0)
        key = store.find(seen[0]["default"])
        assert key is not None
        await ledger.hold(HoldRequest(f"r{len(seen)}", key.account_id, key.id, "m", 100))

    play(place, scenario)
    play(place, scenario)
    assert not set(seen[0].values()) & set(seen[1].values())
