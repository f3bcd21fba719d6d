"""Generated requests: good ones are good, wrong ones are wrong, and a failure is found and shortened."""

from __future__ import annotations

import itertools
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis.strategies import SearchStrategy
from wiremark_conformance.exchange import Exchange, FailureKind, Request, TransportFailure
from wiremark_conformance.properties import PROPERTIES
from wiremark_conformance.properties.generate import requests
from wiremark_conformance.properties.search import search
from wiremark_conformance.target import Target
from wiremark_schemas import contracts
from wiremark_schemas.credentials import Credentials
from wiremark_schemas.registry import validator

CONTRACT = contracts.load("openai")
TARGET = Target(CONTRACT, CONTRACT.models[0].id, "/v1", Credentials({}), "http://x.invalid", "x.invalid")
CHAT = PROPERTIES["properties.chat.valid"]
quick = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@quick
@given(requests(CHAT, TARGET))
def test_good_requests_keep_the_schema(body: bytes) -> None:
    assert list(validator("openai/chat.request").iter_errors(json.loads(body))) == []


@quick
@given(requests(PROPERTIES["properties.chat.invalid"], TARGET))
def test_wrong_requests_break_the_schema(body: bytes) -> None:
    assert not validator("openai/chat.request").is_valid(json.loads(body))


SURFACES = ["completions", "embeddings", "messages", "responses", "gemini"]


@pytest.mark.parametrize("surface", SURFACES)
def test_requests_of_every_surface_are_as_good_or_as_wrong_as_they_should_be(surface: str) -> None:
    every = contracts.load("every-format")
    target = Target(every, every.models[0].id, "/v1", Credentials({}), "http://x.invalid", "x.invalid")
    for kind, good in (("valid", True), ("invalid", False)):
        wanted = PROPERTIES[f"properties.{surface}.{kind}"]
        _all_are(good, requests(wanted, target), wanted.surface.schema)


def _all_are(good: bool, bodies: SearchStrategy[bytes], schema: str) -> None:
    @quick
    @given(bodies)
    def check(body: bytes) -> None:
        assert validator(schema).is_valid(json.loads(body)) is good

    check()


def test_good_requests_use_what_the_contract_claims() -> None:
    for name in ("tools", "logprobs", "stream_options", "response_format", "n", "stop"):
        find(requests(CHAT, TARGET), partial(_has, name), settings=_wide())


def test_good_requests_leave_out_what_it_does_not_claim() -> None:
    generic = contracts.load("generic")
    target = Target(generic, "m", "/v1", Credentials({}), "http://x.invalid", "x.invalid")

    @quick
    @given(requests(CHAT, target))
    def check(body: bytes) -> None:
        assert not {"tools", "logprobs", "n", "response_format", "stop"} & json.loads(body).keys()

    check()


def _has(name: str, body: bytes) -> bool:
    return name in json.loads(body)


def _wide() -> settings:
    return settings(quick, max_examples=2000)


class Endpoint:
    """Answers by a rule and keeps what it was asked."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule
        self.bodies: list[bytes] = []

    def send(self, probe: str, request: Request) -> Exchange:
        self.bodies.append(request.body)
        found = self.rule(request.body)
        if isinstance(found, TransportFailure):
            return Exchange(probe, request, failure=found)
        return Exchange(probe, request, status=found)


def _hot(body: bytes) -> bool:
    return (json.loads(body).get("temperature") or 0) > 1


def test_a_failure_is_found_and_shortened() -> None:
    endpoint = Endpoint(lambda body: 500 if _hot(body) else 200)
    found = search(CHAT, TARGET, endpoint.send, 400, 7)
    assert found is not None
    assert found.status == 500
    document = json.loads(found.request.body)
    assert document["temperature"] == 2.0
    assert document.keys() <= {"model", "messages", "max_tokens", "max_completion_tokens", "temperature"}
    assert len(document["messages"]) == 1


def test_what_is_sent_depends_on_the_seed_alone() -> None:
    first, second, other = (Endpoint(lambda _: 200) for _ in range(3))
    for endpoint, start in ((first, 3), (second, 3), (other, 4)):
        search(CHAT, TARGET, endpoint.send, 20, start)
    assert first.bodies == second.bodies != other.bodies
    assert len(first.bodies) == 20


@pytest.mark.parametrize("kind", ["reset", "truncated", "protocol", "timeout"])
def test_a_broken_connection_is_a_failure(kind: FailureKind) -> None:
    endpoint = Endpoint(lambda body: TransportFailure(kind, "it broke") if _hot(body) else 200)
    found = search(CHAT, TARGET, endpoint.send, 400, 7)
    assert found is not None
    assert found.failure is not None


def test_a_failure_that_does_not_come_again_is_kept() -> None:
    count = itertools.count(1)
    endpoint = Endpoint(lambda _: 500 if next(count) == 5 else 200)
    found = search(CHAT, TARGET, endpoint.send, 20, 1)
    assert found is not None
    assert found.status == 500


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_endpoint_is_no_failure(status: int) -> None:
    endpoint = Endpoint(lambda _: status)
    assert search(CHAT, TARGET, endpoint.send, 5, 1) is not None
    assert len(endpoint.bodies) == 5


def test_shortening_is_bounded() -> None:
    endpoint = Endpoint(lambda _: 500)
    search(CHAT, TARGET, endpoint.send, 10, 1)
    assert len(endpoint.bodies) <= 310


def test_a_route_that_is_not_offered_is_not_asked() -> None:
    endpoint = Endpoint(lambda _: 200)
    assert search(PROPERTIES["properties.messages.any"], TARGET, endpoint.send, 5, 1) is None
    assert endpoint.bodies == []
