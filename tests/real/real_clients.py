"""Clients that nobody here wrote; `make real-clients` installs all of them and runs their tests.

python tests/real/real_clients.py install NAME…    install the environments of clients, or of all
python tests/real/real_clients.py page             print the table of README.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from clients import table


def main(words: Sequence[str]) -> int:
    if words[:1] == ["page"]:
        print(table.page())
        return 0
    if words[:1] != ["install"]:
        print(__doc__)
        return 2
    known = table.clients()
    for name in words[1:] or known:
        recipe = known[name].recipe
        if recipe is not None:
            print(f"{name}: {recipe.install()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
