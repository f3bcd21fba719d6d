"""The rules of the ledger: what each command needs to know, what it changes, and when it says no.

What belongs here: pure functions over rows that a store has loaded. What this file does not know:
threads, transactions, SQL, files, time. A store loads what a group of commands `needs`, applies the
commands one after the other to what is `Known`, and writes the changes back, all in one transaction;
so every store has the same rules. Every command checks first and changes after: a refusal or an error
leaves no trace.

    grant    funding -a    available +a
    hold     available -h  held +h
    settle   held -h       revenue +s     available +(h-s)
    release  held -h       available +h   (expire: the same, by the sweeper or at recovery)
    refund   revenue -s    available +s
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from wiremark_server.ledger.records import (
    MAX_AMOUNT,
    Hold,
    HoldRequest,
    LedgerConflict,
    Refused,
    Resolution,
)
from wiremark_server.ledger.rows import (
    CLAIM_SECONDS,
    Account,
    Claim,
    Known,
    Needs,
    Request,
    Spending,
    month_of,
)


class SetAside(Struct):
    """Phase one: a hold, unless the key, the cap or the balance does not allow it."""

    wanted: HoldRequest
    at: int
    deadline: int

    def add_needs(self, needs: Needs) -> None:
        wanted = self.wanted
        needs.requests.add(wanted.request_id)
        needs.accounts.add(wanted.account_id)
        needs.spending.add((wanted.key_id, month_of(self.at)))
        needs.api_keys.add(wanted.key_id)
        if wanted.claim is not None:
            needs.claims.add(wanted.claim.of(wanted.key_id))

    def apply(self, known: Known) -> Hold | Refused:
        wanted = self.wanted
        before = known.requests.get(wanted.request_id)
        if before is not None:
            return _again(known, before, wanted)
        month = month_of(self.at)
        spending = known.spending.get((wanted.key_id, month)) or Spending(wanted.key_id, month, 0, 0)
        refusal = (
            _blocked(known, wanted)
            or (_claimed(known, wanted, self.at) if wanted.claim is not None else None)
            or _over_cap(spending, wanted)
            or _too_poor(known, wanted)
        )
        if refusal is not None:
            return refusal
        request, amount = wanted.request_id, wanted.amount
        row = Request(
            request,
            wanted.account_id,
            wanted.key_id,
            wanted.model,
            self.at,
            self.deadline,
            month,
            amount,
            known.owner,
        )
        known.requests[request] = known.changes.begun[request] = row
        paid = 0
        if wanted.claim is not None:
            paid = _paid(known, wanted, self.at)
            claimed = wanted.claim.of(wanted.key_id)
            known.claims[claimed] = known.changes.claims[claimed] = Claim(
                claimed, wanted.claim.digest, request, self.at, paid
            )
        spending.held += amount
        known.spending[wanted.key_id, month] = known.changes.spending[wanted.key_id, month] = spending
        _transfer(known, request, "hold", "hold", wanted.account_id, self.at, available=-amount, held=amount)
        return Hold(request, amount, self.deadline, paid)


def _again(known: Known, before: Request, wanted: HoldRequest) -> Hold:
    """The same request asked again gets the same hold."""
    if (before.account_id, before.key_id, before.model, before.hold) != (
        wanted.account_id,
        wanted.key_id,
        wanted.model,
        wanted.amount,
    ):
        raise LedgerConflict(f"request {wanted.request_id}: asked for a second hold with other values")
    claim = known.claims.get(wanted.claim.of(wanted.key_id)) if wanted.claim is not None else None
    paid = claim.paid if claim is not None and claim.request_id == wanted.request_id else 0
    return Hold(wanted.request_id, wanted.amount, before.deadline, paid)


def _blocked(known: Known, wanted: HoldRequest) -> Refused | None:
    """Whoever revoked the key may be another process: what the store says now is what counts."""
    key = known.api_keys.get(wanted.key_id)
    return Refused("key_inactive") if key is not None and key.state != "active" else None


def _claimed(known: Known, wanted: HoldRequest, now: int) -> Refused | None:
    """Why the idempotency key is taken: by another body, by an attempt under way, by one that succeeded."""
    claim = _claim(known, wanted, now)
    if claim is None or wanted.claim is None:
        return None
    if claim.digest != wanted.claim.digest:
        return Refused("idempotency_mismatch", earlier=claim.request_id)
    earlier = known.requests.get(claim.request_id)
    if earlier is None:
        return None
    if earlier.state == "held":
        return Refused("idempotency_in_progress", earlier=claim.request_id)
    if earlier.state == "settled" and earlier.outcome == "ok":
        return Refused("idempotency_done", earlier=claim.request_id, since=earlier.created)
    return None


def _claim(known: Known, wanted: HoldRequest, now: int) -> Claim | None:
    if wanted.claim is None:
        return None
    claim = known.claims.get(wanted.claim.of(wanted.key_id))
    return claim if claim is not None and claim.created + CLAIM_SECONDS > now else None


def _paid(known: Known, wanted: HoldRequest, now: int) -> int:
    """What attempts that did not succeed were charged: a repeat pays the rest, so all of them once."""
    claim = _claim(known, wanted, now)
    if claim is None:
        return 0
    earlier = known.requests.get(claim.request_id)
    return claim.paid + (earlier.amount if earlier is not None else 0)


def _over_cap(spending: Spending, wanted: HoldRequest) -> Refused | None:
    """A cap that is reached refuses free requests too: the key is done for the month."""
    if wanted.monthly_cap is None:
        return None
    committed = spending.spent + spending.held
    if committed >= wanted.monthly_cap or committed + wanted.amount > wanted.monthly_cap:
        return Refused("monthly_cap_reached", spending.held)
    return None


def _too_poor(known: Known, wanted: HoldRequest) -> Refused | None:
    account = known.accounts.get(wanted.account_id)
    if account is None:
        return Refused("insufficient_credits")
    if wanted.amount > MAX_AMOUNT or wanted.amount > account.available:
        return Refused("insufficient_credits", account.held)
    return None


class Settle(Struct):
    """Phase two: charge part or all of a hold and return the rest."""

    request_id: str
    amount: int
    prompt_tokens: int
    completion_tokens: int
    status: int
    outcome: str
    cached: bool
    at: int

    def add_needs(self, needs: Needs) -> None:
        needs.requests.add(self.request_id)

    def apply(self, known: Known) -> Resolution:
        row = known.requests.get(self.request_id)
        if row is None:
            raise LedgerConflict(f"request {self.request_id}: there is no hold to settle")
        if row.state == "settled" and row.amount != self.amount:
            raise LedgerConflict(
                f"request {self.request_id}: settled at {row.amount} µUSD and now asked to settle at "
                f"{self.amount}"
            )
        if row.state != "held":
            return Resolution(self.request_id, row.state, row.amount)
        if not 0 <= self.amount <= row.hold:
            raise LedgerConflict(
                f"request {self.request_id}: a charge of {self.amount} µUSD on a hold of {row.hold}"
            )
        row.state, row.amount = "settled", self.amount
        row.prompt_tokens, row.completion_tokens = self.prompt_tokens, self.completion_tokens
        row.status, row.outcome, row.cached = self.status, self.outcome, int(self.cached)
        _end(known, row, "settle", self.at)
        return Resolution(self.request_id, "settled", self.amount)


class Release(Struct):
    """Return a whole hold; the answer is None when there never was one (it was refused)."""

    request_id: str
    status: int
    outcome: str
    at: int
    kind: Literal["release", "expire"] = "release"

    def add_needs(self, needs: Needs) -> None:
        needs.requests.add(self.request_id)

    def apply(self, known: Known) -> Resolution | None:
        row = known.requests.get(self.request_id)
        if row is None:
            return None
        if row.state == "held":
            row.state, row.status, row.outcome = "released", self.status, self.outcome
            _end(known, row, self.kind, self.at)
        return Resolution(self.request_id, row.state, row.amount)


@dataclass(slots=True)
class Expire:
    """Return the open holds whose deadline is `before` or earlier; the answer is how many."""

    before: int
    at: int

    def add_needs(self, needs: Needs) -> None:
        needs.due = max(self.before, needs.due or 0)

    def apply(self, known: Known) -> int:
        open_ = (row for name in known.left if (row := known.requests[name]).state == "held")
        return _expire(known, [row.request_id for row in open_ if row.deadline <= self.before], self.at)


@dataclass(slots=True)
class Recover:
    """Return what dead server processes left open; the answer is how many holds that were.

    The charge of an answer is durable before its last byte is sent, so a hold that its process left
    open belongs to an answer that nobody received whole: the customer gets all of it back.
    """

    dead: frozenset[int]
    at: int

    def add_needs(self, needs: Needs) -> None:
        needs.dead |= self.dead

    def apply(self, known: Known) -> int:
        total = 0
        for owner in self.dead:
            open_ = (row for name in known.left if (row := known.requests[name]).state == "held")
            expired = _expire(known, [row.request_id for row in open_ if row.owner == owner], self.at)
            known.changes.instances[owner] = (self.at, expired)
            total += expired
        return total


def _expire(known: Known, names: list[str], at: int) -> int:
    for name in names:
        Release(name, 0, "expired", at, "expire").apply(known)
    return len(names)


@dataclass(slots=True)
class Refund:
    """Give a charge back, once: the request failed after it was paid. An open hold is returned instead."""

    request_id: str
    status: int
    outcome: str
    at: int

    def add_needs(self, needs: Needs) -> None:
        needs.requests.add(self.request_id)

    def apply(self, known: Known) -> Resolution | None:
        row = known.requests.get(self.request_id)
        if row is None or row.state != "settled":
            return Release(self.request_id, self.status, self.outcome, self.at).apply(known)
        charged = row.amount
        row.state, row.amount, row.status, row.outcome = "refunded", 0, self.status, self.outcome
        _changed(known, row).spent -= charged
        _transfer(
            known,
            row.request_id,
            "refund",
            "refund",
            row.account_id,
            self.at,
            revenue=-charged,
            available=charged,
        )
        return Resolution(self.request_id, "refunded", 0)


def _end(known: Known, row: Request, kind: str, at: int) -> None:
    """End a hold: the part that was charged to revenue, the rest back to the customer."""
    spending = _changed(known, row)
    spending.held -= row.hold
    spending.spent += row.amount
    _transfer(
        known,
        row.request_id,
        "end",
        kind,
        row.account_id,
        at,
        held=-row.hold,
        revenue=row.amount,
        available=row.hold - row.amount,
    )


def _changed(known: Known, row: Request) -> Spending:
    """Mark the row as changed; gives the month that its charge counts in."""
    if row.request_id not in known.changes.begun:
        known.changes.ended[row.request_id] = row
    month = (row.key_id, row.month)
    spending = known.changes.spending[month] = known.spending[month]
    return spending


@dataclass(slots=True)
class Grant:
    """Give an account money from funding; once per `name`, whoever asks again. Opens the account."""

    account_id: str
    amount: int
    reason: str
    name: str
    at: int

    def add_needs(self, needs: Needs) -> None:
        needs.accounts.add(self.account_id)
        needs.grants.add(self.name)

    def apply(self, known: Known) -> None:
        if self.name in known.grants:
            return
        account = known.accounts.get(self.account_id) or Account(self.account_id, 0, 0)
        if not 0 < self.amount <= MAX_AMOUNT - account.available:
            raise LedgerConflict(
                f"a grant of {self.amount} µUSD to {self.account_id}: expected 1 up to a balance of "
                f"{MAX_AMOUNT}"
            )
        known.grants.add(self.name)
        known.accounts[self.account_id] = account
        _transfer(
            known,
            self.name,
            "grant",
            "grant",
            self.account_id,
            self.at,
            available=self.amount,
            funding=-self.amount,
            note=self.reason,
        )


def _transfer(
    known: Known,
    ref: str,
    step: str,
    kind: str,
    account_id: str,
    at: int,
    *,
    available: int = 0,
    held: int = 0,
    revenue: int = 0,
    funding: int = 0,
    note: str | None = None,
) -> None:
    """One row of the journal, and the account's cache of it."""
    account = known.changes.accounts[account_id] = known.accounts[account_id]
    account.available += available
    account.held += held
    known.changes.transfers.append((ref, step, kind, account_id, available, held, revenue, funding, at, note))
