"""What a client must have handed to its user, for each thing that it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from clients.table import Client, Endpoint
from wiremark_schemas.contracts import Contract

# The reference model does as it is told, so what an honest client must hand over is known to the letter.
WORDS = "Grüße, 東京 ☃ 😀 fin."
ASKED = {
    "say": f"Say exactly: {WORDS}",
    "weather": "What is the weather in Paris?",
    "fill": "Paris has 2100000 inhabitants.",
    "look": "What is in this image?",
    "read": 'Use read_file to read line 1 of "{path}"',
}
FOUND = "21 °C and sunny"
CALLS = [["get_weather", {"city": "Paris"}]]
CITY = {"city": "Paris", "population": 2_100_000}
SEEN = "I see 1 image."
# Statuses that a format has of its own, whatever the contract says of OpenAI's:
# docs.anthropic.com/en/api/errors and ai.google.dev/gemini-api/docs/troubleshooting
OWN = {
    "messages": {"unknown_model": 404, "invalid_key": 401, "insufficient_credits": 402, "rate_limited": 429},
    "gemini": {"unknown_model": 404, "invalid_key": 400, "insufficient_credits": 429, "rate_limited": 429},
}

Found = Iterator[str]
Check = Callable[[Any, Client, Endpoint, Contract], Found]


def _text(told: Any, *_: Any) -> Found:
    if "says" in told:
        if WORDS not in told["says"]:
            yield f"the user does not see {WORDS!r}, but {told['says'][-300:]!r}"
        return
    if told["text"] != WORDS:
        yield f"the text is {told['text']!r}, not {WORDS!r}"
    if not all(isinstance(count, int) and count > 0 for count in told.get("tokens", [1])):
        yield f"the token counts are {told['tokens']}"


def _stream(told: Any, *_: Any) -> Found:
    yield from _text(told)
    if told["pieces"] < 2:
        yield f"the text came in {told['pieces']} piece"
    if told.get("final", WORDS) != WORDS:
        yield f"the text at the end is {told['final']!r}"


def _tools(told: Any, *_: Any) -> Found:
    if "says" in told:
        if FOUND not in told["says"]:
            yield f"the user does not see what the tool read, {FOUND!r}, but {told['says'][-300:]!r}"
        return
    for way in ("calls", "streamed"):
        if told[way] != CALLS:
            yield f"{way} are {told[way]}, not {CALLS}"
    for text in (told["text"], told.get("final", FOUND)):
        if FOUND not in text:
            yield f"the answer after the tool's result is {text!r}, without {FOUND!r}"


def _structured(told: Any, *_: Any) -> Found:
    if told != CITY:
        yield f"the document is {told}, not {CITY}"


def _vision(told: Any, *_: Any) -> Found:
    if not told["text"].startswith(SEEN):
        yield f"the answer to an image is {told['text'][:80]!r}"


def _models(told: Any, _: Client, endpoint: Endpoint, __: Contract) -> Found:
    if endpoint.model not in told:
        yield f"the models are {told}, without {endpoint.model!r}"


def _errors(told: Any, client: Client, endpoint: Endpoint, contract: Contract) -> Found:
    for situation, refused in told.items():
        yield from _refused(refused, situation, client, endpoint, contract)


def _malformed(told: Any, client: Client, endpoint: Endpoint, contract: Contract) -> Found:
    yield from _refused(told, "malformed_json", client, endpoint, contract)


def _refused(told: Any, situation: str, client: Client, endpoint: Endpoint, contract: Contract) -> Found:
    wanted = OWN.get(endpoint.format, {}).get(situation) or contract.raw["errors"][situation]["status"]
    if "says" in told:
        if str(wanted) not in told["says"]:
            yield f"{situation}: the user does not see why, but {told['says'][-300:]!r}"
        return
    name = client.raises if isinstance(client.raises, str) else client.raises[wanted]
    if told["raised"] != name:
        yield f"{situation}: {told['raised']} is raised, not {name}: {told['text'][:200]}"
    if told["status"] not in {wanted, None}:
        yield f"{situation}: the status is {told['status']}, not {wanted}"
    if situation == "unknown_model" and "no-such-model" not in told["text"]:
        yield f"{situation}: the text does not name the model: {told['text']!r}"
    if len(told["text"]) < 12:
        yield f"{situation}: the text is {told['text']!r}"


CHECKS: dict[str, Check] = {
    "environment": _text,
    "models": _models,
    "text": _text,
    "stream": _stream,
    "tools": _tools,
    "structured": _structured,
    "vision": _vision,
    "errors": _errors,
    "malformed": _malformed,
}


def findings(client: Client, endpoint: Endpoint, contract: Contract, told: dict[str, Any]) -> list[str]:
    """What the user of a client did not get as it should be; nothing when all is well."""
    found: list[str] = []
    for what in told:
        got = told[what]
        if isinstance(got, dict) and got.get("raised") and what != "malformed":
            found.append(f"{what}: {got['raised']}: {got['text'][:400]}")
            continue
        found += [f"{what}: {problem}" for problem in CHECKS[what](got, client, endpoint, contract)]
    return found
