"""`wiremark serve`, `wiremark ledger` and `wiremark faults`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from wiremark_schemas.yamlfile import BadFile

from wiremark_server import key_commands, serving, settings
from wiremark_server.ledger.store import LedgerError, LedgerFileError
from wiremark_server.ledger.verify import verify
from wiremark_server.startup import StartError

GOOD, FINDINGS, WRONG_USE = 0, 1, 2


def serve(argv: list[str]) -> int:
    """Serve a contract until SIGINT or SIGTERM. Returns 0, or 2 with one line when it cannot start."""
    given = settings.parse(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="wiremark-") as scratch:
            serving.run(given, Path(scratch), _say)
    except (StartError, BadFile, LedgerFileError) as error:
        return _refuse("serve", error)
    return GOOD


def ledger(argv: list[str]) -> int:
    """`ledger verify`: check every invariant. Returns 0; 1 when one is broken; 2 when there is no ledger."""
    parser = argparse.ArgumentParser(prog="wiremark ledger", description="Audit a ledger.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("verify", help="check every invariant of the ledger")
    check.add_argument("--db", required=True, metavar="PATH|URL", help="the ledger file, or postgresql://…")
    given = parser.parse_args(argv)
    try:
        results = verify(given.db)
    except LedgerFileError as error:
        return _refuse("ledger verify", error)
    for result in results:
        _say(str(result))
    return GOOD if all(result.ok for result in results) else FINDINGS


def faults(argv: list[str]) -> int:
    """List the faults and variants that `serve` can show, or explain one. Returns 0; 2 for wrong use."""
    from wiremark_server.faults import listing
    from wiremark_server.faults.catalogue import UnknownNameError

    try:
        for line in listing.lines(argv):
            _say(line)
    except UnknownNameError as error:
        return _refuse("faults", error)
    return GOOD


def keys(argv: list[str]) -> int:
    """`keys create|list|disable|enable|rotate|revoke`. Returns 0; 2 when it cannot be done."""
    try:
        key_commands.execute(argv, _say)
    except LedgerError as error:
        return _refuse("keys", error)
    return GOOD


def _say(line: str) -> None:
    print(line, flush=True)


def _refuse(command: str, error: Exception) -> int:
    print(f"wiremark {command}: {error}", file=sys.stderr)
    return WRONG_USE
