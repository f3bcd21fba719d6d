"""The README's table of what was found on real servers, made from the committed reports and their triage.

python tests/real/server_table.py      write it into README.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from installing import CHECKOUT
from recipes import SERVERS
from servers import REPORTS, report_name

README = CHECKOUT / "README.md"
BEGIN, END = "<!-- real servers: made by `make real-table` -->", "<!-- end of real servers -->"
COUNTED = ("pass", "fail", "warn", "silent", "infra")


def triage() -> Mapping[str, Any]:
    """Of every report by name: `worst`, what clients trip over, and `findings`, why each is a deviation."""
    document: Mapping[str, Any] = yaml.safe_load((REPORTS / "triage.yaml").read_text(encoding="utf-8"))
    return document


def rows() -> Iterator[str]:
    told = triage()
    yield f"| server | surface | {' | '.join(COUNTED)} | what clients trip over |"
    yield "|---" * (3 + len(COUNTED)) + "|"
    for server in SERVERS.values():
        for surface in server.surfaces:
            name = report_name(server, surface)
            path = REPORTS / f"{name}.json"
            if path.exists():
                counts = json.loads(path.read_text(encoding="utf-8"))["summary"]["verdicts"]
                figures = " | ".join(str(counts.get(verdict, 0)) for verdict in COUNTED)
                link = f"[{surface}](reports/real/{name}.json)"
                yield f"| {server.title} | {link} | {figures} | {told[name]['worst']} |"


def rewritten(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + "\n".join((BEGIN, "", *rows(), "", END)) + after


def main() -> int:
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
