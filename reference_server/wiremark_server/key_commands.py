"""`wiremark keys`: make, list and change API keys, also beside a running server."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from wiremark_schemas import contracts

from wiremark_server.clock import SystemClock
from wiremark_server.edge.admin import shown
from wiremark_server.keys import LIMITS, PREFIX_OF_ANY, KeyStore, LimitOverrides
from wiremark_server.ledger.store import Ledger


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="wiremark keys", description="API keys of a ledger.")
    actions = top.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        found = actions.add_parser(name, help=text)
        found.add_argument(
            "--db", required=True, metavar="PATH|URL", help="the ledger file, or postgresql://…"
        )
        return found

    create = action("create", "make a key and show its secret, once")
    create.add_argument("--account", required=True, metavar="ID", help="whose money it spends; opened if new")
    create.add_argument("--prefix", help=f"of the secret (default: the contract's, else {PREFIX_OF_ANY})")
    create.add_argument("--contract", metavar="NAME", help="whose endpoints it opens (default: all served)")
    create.add_argument("--models", metavar="ID[,…]", help="those it may use (default: all)")
    create.add_argument("--monthly-cap", type=_amount, metavar="µUSD", help="per UTC month (default: none)")
    create.add_argument("--grant", type=_amount, metavar="µUSD", help="give the account money, too")
    for limit in LIMITS:
        create.add_argument(f"--{limit.replace('_', '-')}", type=_limit, metavar="N")
    action("list", "every key, without its secret")
    for name, text in (
        ("disable", "suspend a key"),
        ("enable", "wake a disabled key"),
        ("revoke", "end a key for good"),
        ("rotate", "give a key a new secret and show it, once; the old one ends"),
    ):
        changing = action(name, text)
        changing.add_argument("key", metavar="KEY_ID")
        if name == "rotate":
            changing.add_argument("--prefix", help="of the secret (default: as for a new key)")
    return top


async def run(given: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Do what was asked; one JSON document a line. Raises LedgerError."""
    ledger = Ledger.beside(given.db, SystemClock())
    try:
        store = KeyStore(ledger)
        for document in await _ACTIONS[given.action](given, ledger, store):
            say(json.dumps(document))
    finally:
        await ledger.close()


def _prefix(given: str | None, contract: str | None) -> str:
    """A contract that is not a bundled one is known to its server alone, and not here."""
    if given is not None:
        return given
    if contract not in contracts.bundled():
        return PREFIX_OF_ANY
    return str(contracts.load(contract).raw["auth"].get("key_prefix") or PREFIX_OF_ANY)


async def _create(given: argparse.Namespace, ledger: Ledger, store: KeyStore) -> list[dict[str, Any]]:
    limits = LimitOverrides(**{name: getattr(given, name) for name in LIMITS})
    key, secret = await store.create(
        given.account,
        _prefix(given.prefix, given.contract),
        allowed_models=None if given.models is None else given.models.split(","),
        monthly_cap=given.monthly_cap,
        limits=None if limits == LimitOverrides() else limits,
        contract=given.contract,
    )
    if given.grant:
        await ledger.grant(given.account, given.grant, "granted with a key", f"key/{key.id}")
    return [shown(key) | {"secret": secret}]


async def _list(given: argparse.Namespace, ledger: Ledger, store: KeyStore) -> list[dict[str, Any]]:  # noqa: ARG001
    return [shown(key) for key in store.all()]


async def _rotate(given: argparse.Namespace, ledger: Ledger, store: KeyStore) -> list[dict[str, Any]]:  # noqa: ARG001
    prefix = _prefix(given.prefix, store.named(given.key).contract)
    key, secret = await store.rotate(given.key, prefix)
    return [shown(key) | {"secret": secret}]


async def _change(given: argparse.Namespace, ledger: Ledger, store: KeyStore) -> list[dict[str, Any]]:  # noqa: ARG001
    await {"disable": store.disable, "enable": store.enable, "revoke": store.revoke}[given.action](given.key)
    return [shown(store.named(given.key))]


_ACTIONS: Mapping[str, Callable[[argparse.Namespace, Ledger, KeyStore], Awaitable[list[dict[str, Any]]]]] = {
    "create": _create,
    "list": _list,
    "rotate": _rotate,
    "disable": _change,
    "enable": _change,
    "revoke": _change,
}


def _amount(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no amount; give a whole number of µUSD")
    return int(text)


def _limit(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no limit; give a whole number from 1")
    return int(text)


def execute(argv: list[str], say: Callable[[str], None]) -> None:
    """argparse ends the process with 2 on wrong use. Raises LedgerError."""
    asyncio.run(run(parser().parse_args(argv), say))
