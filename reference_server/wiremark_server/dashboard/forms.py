"""What the forms change: keys and money. Each from a visit to an answer; mistakes come back with the page."""

from __future__ import annotations

import re
import secrets

from wiremark_server.dashboard import operator_pages, pages
from wiremark_server.dashboard.house import Visit
from wiremark_server.edge.message import Response
from wiremark_server.keys import LIMITS, Key, LimitOverrides, UnknownKey
from wiremark_server.ledger.records import MAX_AMOUNT, LedgerConflict

_LONGEST_NAME = 200
_DOLLARS = re.compile(r"([0-9]{1,10})(?:\.([0-9]{0,6}))?")


class Mistake(Exception):  # noqa: N818 - of the person at the form
    """What was entered cannot be done; the text says what to do."""


async def create_key(visit: Visit) -> Response:
    house, viewer = visit.house, visit.viewer
    try:
        _need(viewer.manages, "A key with bounds of its own cannot make keys; sign in with another one.")
        contract = visit.contract or visit.field("contract") or None
        _need(contract is None or contract in house.contracts, "Choose among the contracts that are listed.")
        chosen = visit.fields.get("model", ())
        _need(set(chosen) <= set(house.models_of(contract)), "Choose among the models of the contract.")
        key, secret = await house.keys.create(
            _name(visit.field("account")) if viewer.key is None else viewer.key.account_id,
            house.prefix(contract),
            allowed_models=chosen or None,
            monthly_cap=microusd(visit.field("cap"), 0) if visit.field("cap") else None,
            limits=_limits(visit),
            contract=contract,
        )
    except Mistake as mistake:
        return await pages.keys(visit, status=400, problem=str(mistake))
    return await pages.keys(visit, status=201, secret=secret, secret_of=key.id)


def _limits(visit: Visit) -> LimitOverrides | None:
    """The operator's word; else those of the key that was signed in with, so that nobody gets rid of them."""
    if visit.viewer.key is not None:
        return visit.viewer.key.limits
    a_minute, a_day, tokens, at_once = (_count(visit.field(name)) for name in LIMITS)
    limits = LimitOverrides(a_minute, a_day, tokens, at_once)
    return None if limits == LimitOverrides() else limits


async def change_key(visit: Visit) -> Response:
    _, key_id, change = visit.words
    store = visit.house.keys
    try:
        key = _own(visit, key_id)
        if change == "rotate":
            _need(key.state == "active", "Enable the key before it gets a new secret.")
            _, secret = await store.rotate(key_id, visit.house.prefix(key.contract))
            return await pages.keys(visit, secret=secret, secret_of=key_id)
        await {"disable": store.disable, "enable": store.enable, "revoke": store.revoke}[change](key_id)
    except (Mistake, UnknownKey) as mistake:
        return await pages.keys(visit, status=400, problem=str(mistake))
    return see("/dashboard/keys")


def _own(visit: Visit, key_id: str) -> Key:
    key = visit.house.keys.named(key_id)
    _need(visit.viewer.manages and visit.viewer.sees(key), f"The key {key_id} is not yours to change.")
    return key


async def grant(visit: Visit) -> Response:
    """The form names its transfer, so that a form that is sent twice grants once."""
    try:
        account, amount = _name(visit.field("account")), microusd(visit.field("amount"), 1)
        transfer = f"{account}/{visit.field('transfer') or secrets.token_hex(16)}"
        await visit.house.ledger.grant(account, amount, "granted on the dashboard", transfer)
    except (Mistake, LedgerConflict) as mistake:
        return await operator_pages.accounts(visit, status=400, problem=str(mistake))
    return see("/dashboard/accounts")


def see(path: str) -> Response:
    """A page to go on with, so that to load it again sends nothing again."""
    return Response(303, b"", (("location", path),))


def microusd(text: str, least: int) -> int:
    """Dollars as somebody types them. Raises Mistake."""
    typed = _DOLLARS.fullmatch(text.strip())
    amount = int(typed[1]) * 1_000_000 + int((typed[2] or "").ljust(6, "0")) if typed else -1
    if not least <= amount <= MAX_AMOUNT:
        raise Mistake(f"{text!r} is not an amount: give dollars with at most six decimals, such as 12.50.")
    return amount


def _count(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 16 and int(text) > 0):
        raise Mistake(f"{text!r} is not a limit: give a whole number above 0, or nothing.")
    return int(text)


def _name(text: str) -> str:
    if not 0 < len(text) <= _LONGEST_NAME or not text.isprintable():
        raise Mistake(f"An account needs a name of 1 to {_LONGEST_NAME} characters.")
    return text


def _need(met: bool, otherwise: str) -> None:
    if not met:
        raise Mistake(otherwise)
