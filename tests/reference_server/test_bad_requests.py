"""Bodies that are no requests, and paths that play tricks, on every route of every contract."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from wiremark_schemas import contracts, registry

Make = Callable[..., Any]
SERVED = [name for name in contracts.bundled() if contracts.load(name).models]
PARAMETERS = {"response": "resp_0", "task": "media_0", "file": "file_0", "provider": "nobody"}
# Operation → whose envelope its refusals have; any other is of the contract's own format.
ENVELOPES = {"messages": "anthropic/error", "gemini": "gemini/error"}
DEEP = 100_000

BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "truncated": b'{"model": "m", "messages": [',
    "no key name": b'{"m", "messages": []}',
    "an array": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "null": b"null",
    "not UTF-8": b'{"model": "\xff\xfe"}',
    "a byte order mark": b'\xef\xbb\xbf{"model": ',
    "too deep": b'{"model": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "NaN": b'{"temperature": NaN}',
    "Infinity": b'{"temperature": -Infinity}',
    "a huge number": b'{"temperature": 1e400}',
    "a huge integer": b'{"max_tokens": ' + b"9" * 400 + b"}",
    "two documents": b"{} {}",
    "a comment": b'{} // {"model": "m"}',
    "single quotes": b"{'model': 'm'}",
    "names of the wrong kind": b'{"model": 7, "messages": "x", "input": 7, "contents": 7, "prompt": 7}',
    "a lone surrogate": b'{"model": "\\ud800", "messages": 1, "input": 1, "contents": 1, "prompt": 1}',
    "duplicate names": b'{"model": "m", "model": 7, "messages": 7, "input": 7, "contents": 7}',
}
MEDIA: Mapping[str, tuple[bytes, Mapping[str, str]]] = {
    "text": (b"model=m", {"content-type": "text/plain"}),
    "a form": (b"model=m", {"content-type": "application/x-www-form-urlencoded"}),
    "an unknown charset": (b"{}", {"content-type": "application/json; charset=klingon"}),
    "compressed": (gzip.compress(b"{}"), {"content-encoding": "gzip"}),
}


def routes(contract: contracts.Contract) -> Iterator[tuple[str, str]]:
    """Operation and path of every route that reads a body."""
    model = contract.models[0].id
    for operation, promised in contract.raw["operations"].items():
        if promised and promised["method"] == "POST" and not operation.endswith(".cancel"):
            for path in promised["paths"]:
                yield operation, path.format(model=model, **PARAMETERS)


def in_form(contract: contracts.Contract, operation: str, answer: Any) -> bool:
    """Whether a refusal is in the envelope of its route; some contracts promise numbers as OpenAI's codes."""
    own = ENVELOPES.get(operation.partition(".")[0]) or f"{contract.raw.get('dialect', 'openai')}/error"
    document = answer.json
    if own == "openai/error" and any(isinstance(e["code"], int) for e in contract.raw["errors"].values()):
        document["error"]["code"] = str(document["error"]["code"])
    return answer.headers["content-type"] == "application/json" and registry.validator(own).is_valid(document)


@pytest.mark.parametrize("name", SERVED)
def test_what_is_no_request_is_refused_in_the_form_of_its_route(in_process: Make, name: str) -> None:
    gateway = in_process(contracts.load(name))
    answers = []
    for operation, path in routes(gateway.contract):
        for kind, body in BODIES.items():
            answers.append((operation, kind, gateway.post(path, body), {400}))
        for kind, (body, headers) in MEDIA.items():
            answers.append((operation, kind, gateway.post(path, body, headers=headers), {400, 415}))
    assert answers
    wrong = [
        (operation, kind, answer.status, answer.body[:200])
        for operation, kind, answer, statuses in answers
        if answer.status not in statuses or not in_form(gateway.contract, operation, answer)
    ]
    assert not wrong
    charged = "SELECT request_id FROM usage WHERE amount>0 AND request_id LIKE 'req_%'"
    assert gateway.run(gateway.ledger.fetch(charged)) == []


@pytest.mark.parametrize("name", SERVED)
def test_a_body_over_the_limit_is_413_in_the_form_of_its_route(in_process: Make, name: str) -> None:
    gateway = in_process(contracts.load(name))
    limit = gateway.contract.raw["limits"]["body_bytes"]
    for operation, path in routes(gateway.contract):
        answer = gateway.post(path, b"{}", headers={"content-length": str(limit + 1)})
        assert answer.status == 413, (operation, answer.body)
        assert in_form(gateway.contract, operation, answer)


@pytest.mark.parametrize(
    "path",
    [
        "/../v1/models",
        "/models/../models",
        "/models/..%2Fmodels",
        "/models/%2e%2e/models",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/models/..%2f..%2f..%2fetc%2fpasswd",
        "//models",
        "/models//",
        "/models/%00",
        "/models/%zz",
        "/models/%",
        "/chat%2Fcompletions",
        "/models;x=1",
        "/models\\..\\x",
    ],
)
def test_a_path_is_what_it_says_and_leads_nowhere_else(in_process: Make, path: str) -> None:
    answer = in_process().get(path)
    assert answer.status == 404, (path, answer.status, answer.body)
    assert registry.validator("openai/error").is_valid(json.loads(answer.body))


def test_a_slash_in_a_model_may_be_escaped_or_not(in_process: Make) -> None:
    gateway = in_process()
    model = next(model.id for model in gateway.contract.models if "/" in model.id)
    for written in (model, model.replace("/", "%2F"), model.replace("/", "%2f")):
        assert gateway.get(f"/models/{written}").json["id"] == model
