"""What a key has used and what its account still has."""

from __future__ import annotations

import csv
import io

import msgspec

from wiremark_server.domain import problem
from wiremark_server.edge.message import Response
from wiremark_server.ledger.store import UnknownCursor
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call

_DEFAULT_PAGE, _LARGEST_PAGE = 100, 1000


async def list_usage(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    try:
        page = await call.services.ledger.usage(call.key.id, _page_size(call), call.query.get("after"))
    except UnknownCursor as error:
        raise problem.invalid_request(f"Invalid value for 'after': {error}", "after") from None
    return Response(200, msgspec.json.encode(page.to_json()))


async def export_usage(call: Call) -> Response:
    """Every row of the key as CSV, newest first."""
    await chain.run(chain.IDENTIFIED, call)
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    after: str | None = None
    while True:
        page = await call.services.ledger.usage(call.key.id, _LARGEST_PAGE, after)
        for row in page.to_json()["data"]:
            if writer is None:
                writer = csv.DictWriter(text, row.keys(), lineterminator="\r\n")
                writer.writeheader()
            writer.writerow(row)
        after = page.next_after
        if after is None:
            break
    headers = (
        ("content-type", "text/csv; charset=utf-8"),
        ("content-disposition", 'attachment; filename="usage.csv"'),
    )
    return Response(200, text.getvalue().encode(), headers)


async def get_balance(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    balance = await call.services.ledger.balance(call.key.account_id)
    return Response(200, msgspec.json.encode(balance.to_json()))


def _page_size(call: Call) -> int:
    text = call.query.get("limit", str(_DEFAULT_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _LARGEST_PAGE):
        raise problem.invalid_request(
            f"Invalid value for 'limit': expected a whole number from 1 to {_LARGEST_PAGE}.", "limit"
        )
    return int(text)
