"""API keys: made once, shown once, stored as a digest.

A secret is 256 random bits, so there is nothing to guess and a slow password hash would only make
every request slow: SHA-256 of it is what the file holds. Lookups go to a table in memory, which a
revocation changes before it returns, so the next request already sees it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from wiremark_schemas.contracts import Contract
from wiremark_schemas.credentials import ROLES

from wiremark_server.ledger.records import HoldRequest, KeyRow, KeyState, UnknownKey
from wiremark_server.ledger.store import Ledger

__all__ = ["LIMITS", "Key", "KeyState", "KeyStore", "LimitOverrides", "UnknownKey", "provision_roles"]

_SECRET_BYTES = 32
PREFIX_OF_ANY = "sk-"
"""What secrets begin with where no contract says it."""
LIMITS = ("requests_per_minute", "requests_per_day", "tokens_per_minute", "concurrent_requests")
"""What a key may have limits of its own for."""


@dataclass(frozen=True, slots=True)
class LimitOverrides:
    """A key's own limits; None means what the contract says.

    full:     the windows of this key are full at all times, so that refusals can be tested
    full_day: only that of a day is, likewise
    """

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None
    full: bool = False
    full_day: bool = False

    @property
    def refusing(self) -> str:
        """The limit that refuses every request of this key; empty when none does."""
        return LIMITS[0] if self.full else LIMITS[1] if self.full_day else ""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key may do. It does not know its secret.

    allowed_models: None allows every model
    monthly_cap:    µUSD per UTC calendar month, None for no cap
    contract:       the one whose endpoints it opens; None for all that are served
    """

    id: str
    account_id: str
    role_hint: str = ""
    allowed_models: frozenset[str] | None = None
    monthly_cap: int | None = None
    limits: LimitOverrides | None = None
    state: KeyState = "active"
    contract: str | None = None

    def allows(self, model: str) -> bool:
        return self.allowed_models is None or model in self.allowed_models


class KeyStore:
    """The keys of a ledger. Reading is in memory; writing goes through the ledger's writer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._news = ledger.news_of_keys
        self._by_digest: dict[bytes, tuple[bytes, Key]] = {}
        self._rows: dict[str, KeyRow] = {}
        self._refresh()

    def find(self, secret: str) -> Key | None:
        """The active key of this secret; None for one that is unknown, revoked or disabled."""
        key = self.look_up(secret)
        return key if key is not None and key.state == "active" else None

    def look_up(self, secret: str) -> Key | None:
        """The key of this secret, in whatever state; None when there is none.

        A table lookup by digest leaks no more than parts of a digest that nobody can choose; the
        comparison that decides takes the same time wherever the digests differ.
        """
        self._refresh()
        digest = _digest(secret)
        entry = self._by_digest.get(digest)
        if entry is None:
            return None
        stored, key = entry
        return key if hmac.compare_digest(stored, digest) else None

    def digest(self, key_id: str) -> bytes:
        """What is kept of a key's secret. Raises UnknownKey."""
        return self._row(key_id).digest

    def all(self) -> tuple[Key, ...]:
        """Every key, in any state, oldest change first."""
        self._refresh()
        return tuple(key for _, key in self._by_digest.values())

    async def create(
        self,
        account_id: str,
        prefix: str,
        *,
        role_hint: str = "",
        allowed_models: Collection[str] | None = None,
        monthly_cap: int | None = None,
        limits: LimitOverrides | None = None,
        contract: str | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which nothing can show again. Opens the account if need be."""
        secret = prefix + secrets.token_urlsafe(_SECRET_BYTES)
        row = KeyRow(
            id=f"key_{secrets.token_hex(12)}",
            digest=_digest(secret),
            account_id=account_id,
            role_hint=role_hint,
            allowed_models=None if allowed_models is None else json.dumps(sorted(allowed_models)),
            monthly_cap=monthly_cap,
            limits=None if limits is None else json.dumps(asdict(limits)),
            state="active",
            created=int(self._ledger.clock.now()),
            contract=contract,
        )
        return self._take(await self._ledger.put_key(row)), secret

    def named(self, key_id: str) -> Key:
        """The key of this id, in whatever state. Raises UnknownKey."""
        return self._by_digest[self._row(key_id).digest][1]

    def _row(self, key_id: str) -> KeyRow:
        self._refresh()
        row = self._rows.get(key_id)
        if row is None:
            raise UnknownKey(f"key {key_id}: there is no such key")
        return row

    async def rotate(self, key_id: str, prefix: str = PREFIX_OF_ANY) -> tuple[Key, str]:
        """A new secret for a key; the old one ends at once. Raises UnknownKey."""
        secret = prefix + secrets.token_urlsafe(_SECRET_BYTES)
        return self._take(await self._ledger.change_key(key_id, digest=_digest(secret))), secret

    async def revoke(self, key_id: str) -> None:
        """End a key for good; raises UnknownKey. The next `find` of its secret gives None."""
        await self._set_state(key_id, "revoked")

    async def disable(self, key_id: str) -> None:
        """Suspend a key; raises UnknownKey."""
        await self._set_state(key_id, "disabled")

    async def enable(self, key_id: str) -> None:
        """Wake a disabled key; raises UnknownKey for one that is unknown or revoked."""
        await self._set_state(key_id, "active")

    async def _set_state(self, key_id: str, state: KeyState) -> None:
        self._take(await self._ledger.change_key(key_id, state=state))

    def _refresh(self) -> None:
        """Learn of keys that other processes have made or changed."""
        for row in self._news():
            self._take(row)

    def _take(self, row: KeyRow) -> Key:
        """Whichever is newer counts, the row or what is known: news may come late."""
        before = self._rows.get(row.id)
        if before is not None and before.revision >= row.revision:
            return self._by_digest[before.digest][1]
        if before is not None:
            del self._by_digest[before.digest]
        key = _from_row(row)
        self._rows[row.id] = row
        self._by_digest[row.digest] = (row.digest, key)
        return key


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _from_row(row: KeyRow) -> Key:
    return Key(
        id=row.id,
        account_id=row.account_id,
        role_hint=row.role_hint,
        allowed_models=None if row.allowed_models is None else frozenset(json.loads(row.allowed_models)),
        monthly_cap=row.monthly_cap,
        limits=None if row.limits is None else LimitOverrides(**json.loads(row.limits)),
        state=row.state,
        contract=row.contract,
    )


AMPLE = 1_000_000_000_000
"""A million dollars in µUSD: no test run or load run gets to the end of it."""

_ROOMY = LimitOverrides(
    requests_per_minute=1_000_000, requests_per_day=100_000_000, tokens_per_minute=1_000_000_000_000
)
_NOWHERE = "no-other-model"  # what a restricted key may use where the contract has a single model

_GRANTS: Mapping[str, int] = {role: 0 if role == "exhausted" else AMPLE for role in ROLES}


async def provision_roles(store: KeyStore, ledger: Ledger, contract: Contract, seed: int) -> dict[str, str]:
    """Secrets by role: one new key for every role of a credentials file, on the account `role-NAME`.

    Accounts are filled up to the same balance on every start. The seed picks the model that the
    restricted key may use, never a secret: those are random and do not repeat.
    """
    prefix = str(contract.raw["auth"]["key_prefix"])
    first, *others = [model.id for model in contract.models]
    other = random.Random(seed).choice(others or [_NOWHERE])  # noqa: S311 - not a secret
    settings: Mapping[str, dict[str, Any]] = {
        "default": {"limits": _ROOMY},
        "exhausted": {"limits": _ROOMY},
        "restricted": {"limits": _ROOMY, "allowed_models": [other]},
        "capped": {"limits": _ROOMY, "monthly_cap": 1},
        "throttled": {"limits": LimitOverrides(full=True)},
        "daily": {"limits": LimitOverrides(full_day=True)},
        "revoked": {"limits": _ROOMY},
        "disabled": {"limits": _ROOMY},
    }
    found: dict[str, str] = {}
    for role in ROLES:
        account = f"role-{role}"
        key, found[role] = await store.create(
            account, prefix, role_hint=role, contract=contract.name, **settings[role]
        )
        missing = _GRANTS[role] - (await ledger.balance(account)).balance
        if missing > 0:
            await ledger.grant(account, missing, f"balance of the role {role}")
        if role == "capped":
            await _reach_cap(ledger, key, first)
        if role == "revoked":
            await store.revoke(key.id)
        if role == "disabled":
            await store.disable(key.id)
    return found


async def _reach_cap(ledger: Ledger, key: Key, model: str) -> None:
    """Spend the cap of one µUSD, as an ordinary charge that the key's usage shows."""
    request = f"provision-{key.id}"
    await ledger.hold(HoldRequest(request, key.account_id, key.id, model, 1))
    await ledger.settle(request, 1, 0, 0, 200, "ok")
