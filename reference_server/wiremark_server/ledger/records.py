"""The values that go into the ledger and come out of it, and the ways it says no.

All amounts are integers in µUSD, all times whole seconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

RefusalReason = Literal[
    "insufficient_credits",
    "monthly_cap_reached",
    "key_inactive",  # revoked or disabled since it was looked up, perhaps by another process
    "idempotency_mismatch",  # the same idempotency key with another body
    "idempotency_in_progress",
    "idempotency_done",
]
State = Literal["held", "settled", "released", "refunded"]
KeyState = Literal["active", "revoked", "disabled"]

MAX_AMOUNT = 2**53 - 1
"""Largest amount in one transfer: exact in every JSON reader, and far from SQLite's 64 bits."""


class LedgerError(Exception):
    """The ledger refused; the message is a sentence for an operator."""


class LedgerFileError(LedgerError):
    """The database file cannot be used: another version, not a ledger, in use, or unreadable."""


class LedgerUnavailable(LedgerError):  # noqa: N818 - named for what happened
    """The store cannot commit now (disk full, I/O error, closed). Nothing was written: answer 503."""


class LedgerConflict(LedgerError):  # noqa: N818 - named for what happened
    """The caller contradicts an earlier call, or settles more than it held: a programming error."""


class UnknownCursor(LedgerError):  # noqa: N818 - named for what happened
    """`after` names no usage row of this key."""


class UnknownKey(LedgerError):  # noqa: N818 - named for what happened
    """No API key with this id, or none whose state may still change."""


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """An idempotency key: at most one request of an API key to an endpoint succeeds under this name.

    digest: of the request's body, so that a reuse for something else is noticed
    """

    endpoint: str
    name: str
    digest: bytes

    def of(self, key_id: str) -> tuple[str, str, str]:
        return key_id, self.endpoint, self.name


class HoldRequest(Struct):
    """Set `amount` aside for one request before any work is done.

    request_id:  idempotency key; the same request asked again gets the same hold
    amount:      upper bound of the charge
    monthly_cap: what the key may spend in a UTC calendar month, open holds included; None for no cap
    claim:       made together with the hold, or not at all
    """

    request_id: str
    account_id: str
    key_id: str
    model: str
    amount: int
    monthly_cap: int | None = None
    claim: ClaimRequest | None = None

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError(f"request {self.request_id}: a hold is never negative, got {self.amount} µUSD")


class Hold(Struct, frozen=True):
    """An amount set aside, durable when the caller sees it; void it or settle it by `deadline`.

    paid: what earlier attempts under the same idempotency key were charged before they were cut off
    """

    request_id: str
    amount: int
    deadline: int
    paid: int = 0


class Refused(Struct, frozen=True):
    """No hold was made and nothing changed.

    held:    what other open holds of the account (or, for the cap, of the key) keep back at this moment;
             with 0 the refusal is final until money arrives, otherwise it may pass when they end
    earlier: the request that has the idempotency key; since: when it began
    """

    reason: RefusalReason
    held: int = 0
    earlier: str = ""
    since: int = 0


class Resolution(Struct, frozen=True):
    """How a hold ended. The first ending counts; asking again returns it."""

    request_id: str
    state: State
    amount: int


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An API key as it is stored: a digest in place of the secret, scopes as JSON text.

    contract: whose endpoints it opens; None for all
    revision: grows with every change of any key, so that a reader can ask for what is new; set by the store
    """

    id: str
    digest: bytes
    account_id: str
    role_hint: str
    allowed_models: str | None
    monthly_cap: int | None
    limits: str | None
    state: KeyState
    created: int
    contract: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """balance: free to spend; held: set aside by open holds and no longer part of `balance`."""

    balance: int
    held: int

    def to_json(self) -> dict[str, int]:
        """Document of `meta/balance`."""
        return {"balance_microusd": self.balance, "held_microusd": self.held}


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One request as its customer sees it; status 0 while no answer has been given."""

    request_id: str
    created: int
    model: str
    status: int
    prompt_tokens: int
    completion_tokens: int
    amount: int
    state: State
    outcome: str
    cached: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "request_id": self.request_id,
            "created": self.created,
            "model": self.model,
            "status": self.status,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "amount_microusd": self.amount,
            "state": self.state,
            "outcome": self.outcome,
            "cached": self.cached,
        }


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Usage rows of a key, newest first; `next_after` is the cursor of the next page or None."""

    rows: tuple[UsageRow, ...]
    next_after: str | None

    @property
    def has_more(self) -> bool:
        return self.next_after is not None

    def to_json(self) -> Mapping[str, Any]:
        """Document of `meta/usage-list`."""
        return {
            "object": "list",
            "data": [row.to_json() for row in self.rows],
            "has_more": self.has_more,
            "next_after": self.next_after,
        }
