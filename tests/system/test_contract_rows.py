"""Each promise of the five systems is held by a check that is green, and red when the promise is broken.

`rows.yaml` says for every row what breaks it and what must then fail. The contracts themselves are
served and judged whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from wiremark_conformance.probes.chat import HELLO
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract, Model
from wiremark_server.clock import SystemClock
from wiremark_server.dialects import images
from wiremark_server.dialects.openai_chat import answer, request, stream
from wiremark_server.domain import problem
from wiremark_server.engine import script
from wiremark_server.ledger.records import UsageRow
from wiremark_server.ledger.store import Ledger
from wiremark_server.media import request as media_request
from wiremark_server.media.guard import Guard
from wiremark_server.media.request import ImageRequest
from wiremark_server.operations import media
from wiremark_server.routing import router
from wiremark_server.routing.health import Health
from wiremark_server.routing.router import Route, Router

SYSTEMS = [name for name in contracts.bundled() if contracts.load(name).models]
BAD = {Verdict.FAIL, Verdict.WARN, Verdict.SILENT}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_contract_served_is_a_contract_kept(judged: Any, name: str) -> None:
    assert judged(name).findings == []


def _tell_the_prompt(row: UsageRow) -> dict[str, Any]:
    return {"request_id": row.request_id, "note": HELLO[-1]["content"]}


def _insist(document: Mapping[str, Any]) -> int:
    if document.get("max_tokens") is None:
        raise problem.invalid_request("Missing required parameter: 'max_tokens'.", "max_tokens")
    return int(document["max_tokens"])


def _only_the_first(self: Router, model: Model, document: Any, *, chat: bool) -> Route:
    """As if nobody looked whether a provider is there, the cheapest first."""
    cheapest = min(self.offers(model), key=lambda choice: choice.offer.price.output_per_million)
    return Route(model.id, [cheapest], SystemClock(), document if chat else None)


def _anything_goes(document: Mapping[str, Any], _: Guard) -> ImageRequest:
    return ImageRequest(str(document.get("model")), "1:1", "1k", "00" * 32, (), None)


async def _keep_the_money(*_: Any) -> None:
    pass


# What of the server is replaced and by what, where neither a contract nor a fault breaks the promise.
PATCHES: dict[str, tuple[Any, str, Any]] = {
    "no end": (stream, "DONE", b""),
    "results unread": (script, "_quoted_results", lambda _: ""),
    "remote images": (images, "check", lambda _url, _param: None),
    "budget insisted on": (request, "_budget", _insist),
    "one count": (answer, "usage_document", lambda usage: {"prompt_tokens": usage.prompt}),
    "dearest first": (
        router,
        "ranked",
        lambda choices: sorted(choices, key=lambda c: -c.offer.price.output_per_million),
    ),
    "no history": (Health, "succeeded", lambda *_: None),
    "no fail-over": (Router, "route", _only_the_first),
    "200 for 202": (media, "_ACCEPTED", 200),
    "anything goes": (media_request, "decode", _anything_goes),
    "webhooks anywhere": (Guard, "check", lambda *_: None),
    "no refund": (Ledger, "refund", _keep_the_money),
    "prompt told": (UsageRow, "to_json", _tell_the_prompt),
}


_TABLE = Path(__file__).with_name("rows.yaml")
ROWS: Mapping[str, Any] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))["rows"]
SYSTEMS_OF = {"H": 13, "C": 10, "A": 6, "B": 13, "M": 6}  # rows of each system, by their letter
BREAKS = [
    pytest.param(row["contract"], broken, id=f"{name}-{number}")
    for name, row in ROWS.items()
    for number, broken in enumerate(row["broken"])
    if "client" not in broken
]


def test_every_row_is_there_and_something_breaks_it() -> None:
    promised = {f"{letter}{number}" for letter, last in SYSTEMS_OF.items() for number in range(1, last + 1)}
    assert promised <= set(ROWS)
    assert not [name for name, row in ROWS.items() if not row["broken"]]
    known = {requirement.id for requirement in load_register()}
    named = {name for row in ROWS.values() for broken in row["broken"] for name in broken.get("fails", ())}
    assert named <= known
    used = {broken["patch"] for row in ROWS.values() for broken in row["broken"] if "patch" in broken}
    assert used == set(PATCHES)


@pytest.mark.parametrize(("contract", "broken"), BREAKS)
def test_a_broken_promise_is_found(
    judged: Any,
    altered: Callable[[str, Mapping[str, Any]], Contract],
    monkeypatch: pytest.MonkeyPatch,
    contract: str,
    broken: Mapping[str, Any],
) -> None:
    served: Contract | str = altered(contract, broken["served"]) if "served" in broken else contract
    if "patch" in broken:
        monkeypatch.setattr(*PATCHES[broken["patch"]])
    faults = [broken["fault"]] if "fault" in broken else []
    verdicts = judged(served, held_to=contract, only=broken["fails"], faults=faults)
    found = {name: verdicts[name] for name in broken["fails"]}
    passed = {name: (one.verdict.value, one.message) for name, one in found.items() if one.verdict not in BAD}
    assert not passed
