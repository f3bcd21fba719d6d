"""Tasks: accepted, paid, looked at, completed or failed and refunded."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from wiremark_conformance.checking import accepted as answered
from wiremark_conformance.checking import check, each, refused
from wiremark_conformance.checks.ids.check_request_id import header_name
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.probes.media import LOOKS, WRONG
from wiremark_conformance.shapes import schema_violations
from wiremark_conformance.values import is_text, listed, members, shown

_MICRO = 1_000_000
_TASK = tuple(f"media.task.{number}" for number in range(1, LOOKS + 1))
_FAILED = tuple(f"media.failed.{number}" for number in range(1, LOOKS + 1))
_ENDED = ("completed", "failed")

answered("media.task.accepted", _TASK[0])
for _name in WRONG:
    refused(f"media.{_name}.refused", f"media.wrong.{_name}")


@each("media.accepted", "media.submit", "media.4k", expects="any")
def accepted(view: View) -> Outcome:
    if view.status != 202:
        return f"answered {view.status_line}{view.error_text}, not 202"
    if not is_text(view.object.get("task_id")):
        return f"`task_id` is {shown(view.object.get('task_id'))}"
    found = view.object.get("status")
    return None if found == "pending" else f"`status` is {shown(found)}, not pending"


def _price(view: View) -> int:
    model = view.target.contract.model(str(view.asked.get("model")))
    if model is None:
        raise NotPromised("the contract has no price for the model")
    return model.price.per_request


@check("media.charge-told", "media.submit")
def charge_told(view: View) -> Outcome:
    found, due = view.object.get("charge"), _price(view)
    if isinstance(found, str) and _micro(found) == due:
        return None
    return f"`charge` is {shown(found)}, where the price is {due} µUSD"


def _micro(text: str) -> Decimal | None:
    """Dollars in µUSD; None for what is no number."""
    try:
        return Decimal(text) * _MICRO
    except InvalidOperation:
        return None


@each("media.task.schema", "media.submit", *_TASK, *_FAILED)
def schema(view: View) -> Outcome:
    return "; ".join(str(found) for found in schema_violations("media/task", view.object)[:3]) or None


@check("media.task.same", "media.submit", _TASK[0])
def same(submitted: View, view: View) -> Outcome:
    for name in ("task_id", "model"):
        if view.object.get(name) != submitted.object.get(name):
            return f"`{name}` is {shown(view.object.get(name))}, was {shown(submitted.object.get(name))}"
    return None


def _end(views: tuple[View, ...]) -> Mapping[str, Any]:
    """The task once it has ended."""
    for view in views:
        if view.object.get("status") in _ENDED:
            return view.object
    raise NotTestable(f"the task is still {shown(views[-1].object.get('status'))}")


@check("media.task.completed", *_TASK)
def completed(*views: View) -> Outcome:
    task = _end(views)
    if task.get("status") == "failed":
        error = task.get("error")
        raise NotTestable(f"the task failed: {shown(error)}")
    result = task.get("result")
    urls = members(result).get("urls")
    if isinstance(urls, list) and urls and all(str(u).startswith(("http://", "https://")) for u in urls):
        return None
    return f"a completed task has `result` {shown(result)}"


@check("media.task.failed", *_FAILED)
def failed(*views: View) -> Outcome:
    """The image that it was to look at does not exist."""
    task = _end(views)
    if task.get("status") == "completed":
        return "a task is completed although its reference image cannot be fetched"
    error = task.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return None if is_text(message) else f"a failed task has `error` {shown(error)}"


@check("media.no-task", "media.no-task", expects="refusal")
def no_task(view: View) -> Outcome:
    return None if view.status == 404 else f"answered {view.status_line}{view.error_text}, not 404"


def _row(submitted: View, ledger: View) -> Mapping[str, Any]:
    wanted = submitted.header(header_name(submitted.target))
    data = ledger.object.get("data")
    rows = listed(data)
    row = next((r for r in rows if isinstance(r, dict) and r.get("request_id") == wanted), None)
    if row is None:
        raise NotTestable(f"the usage has no row of {submitted.probe}")
    return row


@check("media.charged", "media.submit", "media.usage")
def charged(submitted: View, ledger: View) -> Outcome:
    row, due = _row(submitted, ledger), _price(submitted)
    found = row.get("amount_microusd")
    return None if found == due else f"charged {shown(found)} µUSD; the price is {due} µUSD"


@check("media.refunded", "media.unreachable", "media.usage", *_FAILED)
def refunded(submitted: View, ledger: View, *views: View) -> Outcome:
    if _end(views).get("status") != "failed":
        raise NotTestable("the task did not fail")
    found = _row(submitted, ledger).get("amount_microusd")
    return f"the task failed, and {shown(found)} µUSD of it stay charged" if found else None
