"""What Gemini's answers cost, and what the rows say of it."""

from __future__ import annotations

import dataclasses
from typing import Any

from wiremark_server.faults.change import body, put, status, with_document
from wiremark_server.faults.edit import Ask, On, Question
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.billing import books
from wiremark_server.faults.tables.gemini.words import GENERATE, fault

_COUNT = "gemini.count_tokens"
_MARK = b"x-served-anyway"
_SERVED = On(GENERATE, "answer", lambda ask: bool(ask.header(_MARK)))
_NOT_FOUND = {"code": 404, "message": "models/no-such-model is not found.", "status": "NOT_FOUND"}
_ANSWERS = ("plain", "stream", "functions")


def _of_all(what: str) -> tuple[str, ...]:
    return tuple(f"billing.gemini.{answer}.{what}" for answer in _ANSWERS)


def _served_anyway(ask: Ask) -> Ask:
    """Another model does the work; the mark lets the answer be withheld."""
    path = ask.path.replace("no-such-model", "wiremark-small")
    return dataclasses.replace(ask, path=path, headers=[*ask.headers, (_MARK, b"1")])


def _answered(ask: Ask) -> Ask:
    """A question whose tokens are to be counted is answered."""
    asked = ask.document.get("generateContentRequest", ask.document)
    question = with_document(ask, {name: value for name, value in asked.items() if name != "model"})
    return dataclasses.replace(question, path=ask.path.replace(":countTokens", ":generateContent"))


def _count_of(answer: Any) -> Any:
    return {"totalTokens": answer["usageMetadata"]["promptTokenCount"]}


TABLE: tuple[Fault, ...] = (
    fault(
        "ledger.double-charge",
        "ledger",
        "Every answer is charged twice its price.",
        books(amount=lambda amount: amount * 2),
        catches=_of_all("charge"),
    ),
    fault(
        "ledger.tokens-estimated",
        "ledger",
        "The rows count one completion token more than the answers.",
        books(tokens=lambda prompt, completion: (prompt, completion + 1)),
        catches=_of_all("tokens"),
    ),
    fault(
        "ledger.other-id",
        "ledger",
        "Rows are recorded under other ids than the client was told.",
        body(put("/data/*/request_id", lambda name: f"gen-{name}"), "usage.list"),
        catches=_of_all("recorded"),
    ),
    fault(
        "ledger.refused-charged",
        "ledger",
        "A question to a model that does not exist is answered by another, charged and refused.",
        Question(On(GENERATE, where=lambda ask: "no-such-model:" in ask.path), _served_anyway),
        body(lambda _: {"error": _NOT_FOUND}, GENERATE, where=_SERVED.where),
        status(_SERVED, 404),
        catches=("billing.gemini.refused-free",),
    ),
    fault(
        "ledger.count-charged",
        "ledger",
        "Tokens are counted by having the question answered, and paid for.",
        Question(On(_COUNT), _answered),
        body(_count_of, _COUNT),
        catches=("billing.gemini.count-free",),
    ),
)
