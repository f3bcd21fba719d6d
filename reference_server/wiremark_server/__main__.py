"""`python -m wiremark_server serve …`: the server's commands without the rest of the toolkit."""

from __future__ import annotations

import sys

from wiremark_server import commands

_COMMANDS = {"serve": commands.serve, "ledger": commands.ledger, "keys": commands.keys}


def main(argv: list[str]) -> int:
    if not argv or argv[0] not in _COMMANDS:
        print(f"usage: python -m wiremark_server {{{','.join(_COMMANDS)}}} …", file=sys.stderr)
        return 2
    return _COMMANDS[argv[0]](argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
