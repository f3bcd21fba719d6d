"""What only the operator sees: every account, the journal, the open holds."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from wiremark_server.dashboard import pages
from wiremark_server.dashboard.house import Visit
from wiremark_server.edge.message import Response

_MOST_ACCOUNTS = 100
_MOST_HOLDS = 200


async def accounts(visit: Visit, **shown: Any) -> Response:
    found = await visit.house.records.accounts(_MOST_ACCOUNTS + 1, visit.query.get("after", ""))
    more = len(found) > _MOST_ACCOUNTS
    return visit.page(
        "accounts",
        "Accounts",
        accounts=found[:_MOST_ACCOUNTS],
        next=urlencode({"after": found[_MOST_ACCOUNTS - 1].id}) if more else "",
        transfer=secrets.token_hex(16),
        **shown,
    )


async def ledger(visit: Visit) -> Response:
    account = visit.query.get("account", "").strip()
    journal = await visit.house.records.journal(
        account, pages.PER_PAGE + 1, pages.number(visit.query, "below")
    )
    more = len(journal) > pages.PER_PAGE
    shown = journal[: pages.PER_PAGE]
    return visit.page(
        "ledger",
        "Ledger and holds",
        account=account,
        holds=await visit.house.records.holds(account, _MOST_HOLDS),
        journal=shown,
        older=urlencode({"account": account, "below": shown[-1].id}) if more else "",
    )
