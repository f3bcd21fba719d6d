"""Proof that an endpoint answers: each way to be wrong is one sentence that says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from wiremark_conformance import smoke
from wiremark_conformance.exchange import Exchange, FailureKind, Part, Request, TransportFailure
from wiremark_conformance.target import Target
from wiremark_schemas import contracts
from wiremark_schemas.credentials import Credentials

HOST = "llm.example:8000"
LIST = {"object": "list", "data": [{"id": f"m-{number}", "object": "model"} for number in range(1, 8)]}
ENVELOPE = {"error": {"message": "no such\nroute", "type": "x", "param": None, "code": None}}
PAGE = b"<!DOCTYPE html><html><head><title>Open &amp; WebUI</title></head></html>"

Reply = tuple[int, Any]


class Network:
    """Answers by path as a client would hand them over; a 404 envelope for all else."""

    def __init__(self, replies: Mapping[str, Reply], kind: FailureKind | None = None) -> None:
        self.replies = replies
        self.kind = kind
        self.asked: list[str] = []

    def __call__(self, probe: str, request: Request) -> Exchange:
        self.asked.append(request.target)
        if self.kind is not None:
            return Exchange(probe, request, failure=TransportFailure(self.kind, f"{HOST} did not work"))
        status, body = self.replies.get(request.target, (404, ENVELOPE))
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        html = isinstance(body, bytes) and body.startswith(b"<")
        headers = (
            ("content-type", "text/html" if html else "application/json"),
            ("location", "https://else/v1"),
        )
        return Exchange(
            probe,
            request,
            status=status,
            reason="Said So",
            headers=headers,
            parts=(Part(1, text),),
            framing="length",
        )


def target(base_path: str = "/v1", contract: str = "generic", key: str | None = None) -> Target:
    return Target(
        contract=contracts.load(contract),
        model="",
        base_path=base_path,
        credentials=Credentials({"default": key} if key else {}),
        base_url=f"http://{HOST}{base_path}",
        host_header=HOST,
    )


def unjudgeable(network: Network, at: Target, model: str | None = None) -> str:
    with pytest.raises(smoke.UnjudgeableError) as refusal:
        smoke.prove(at, model, network)
    text = str(refusal.value)
    assert "\n" not in text
    return text


def test_one_request_proves_and_finds_the_model() -> None:
    network = Network({"/v1/models": (200, LIST)})
    proof = smoke.prove(target(), None, network)
    assert (proof.model, proof.exchange.probe, network.asked) == ("m-1", "models.list", ["/v1/models"])


def test_the_model_asked_for_is_taken_when_listed() -> None:
    network = Network({"/v1/models": (200, LIST)})
    assert smoke.prove(target(), "m-3", network).model == "m-3"
    assert len(network.asked) == 1


def test_the_contracts_first_model_goes_before_the_first_listed() -> None:
    first = contracts.load("hermes-tokens").models[0].id
    listed = {"data": [{"id": "another"}, {"id": first}]}
    network = Network({"/api/v1/models": (200, listed)})
    assert smoke.prove(target("/api/v1", "hermes-tokens"), None, network).model == first


def test_a_model_that_is_not_listed_may_still_be_known() -> None:
    network = Network({"/v1/models": (200, LIST), "/v1/models/a%2Fb": (200, {"id": "a/b"})})
    assert smoke.prove(target(), "a/b", network).model == "a/b"


def test_an_unknown_model_is_refused_with_a_near_name_and_some_that_exist() -> None:
    with pytest.raises(smoke.UnknownModelError) as refusal:
        smoke.prove(target(), "m-11", Network({"/v1/models": (200, LIST)}))
    text = str(refusal.value)
    assert "does not have the model 'm-11'; did you mean 'm-1'?" in text
    assert "m-1, m-2, m-3, m-4, m-5, …" in text
    assert "--wiremark-model" in text


def test_a_contracts_model_that_is_missing_says_whose_it_is() -> None:
    with pytest.raises(smoke.UnknownModelError, match="the first of the contract 'openai'"):
        smoke.prove(target(contract="openai"), None, Network({"/v1/models": (200, LIST)}))


def test_an_endpoint_without_models_needs_one_named() -> None:
    network = Network({"/v1/models": (200, {"object": "list", "data": []})})
    assert "name one with --wiremark-model" in unjudgeable(network, target())
    assert smoke.prove(target(), "m", network).model == "m"


@pytest.mark.parametrize("kind", ["dns", "connect", "tls", "protocol", "timeout", "truncated"])
def test_no_answer_is_told_in_the_clients_words(kind: FailureKind) -> None:
    text = unjudgeable(Network({}, kind), target())
    assert text == f"http://{HOST}/v1 cannot be judged: {HOST} did not work"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("/v1/v1", "/v1"),
        ("", "/v1"),
        ("/v1/chat/completions", "/v1"),
        ("/v1/models", "/v1"),
        ("/v1", "/api/v1"),
        ("/openai", "/openai/v1"),
        ("/v1/extra/deep", "/v1"),
        ("/v1", ""),
    ],
)
@pytest.mark.parametrize("reply", [(200, LIST), (401, ENVELOPE)], ids=["open", "wants a key"])
def test_a_wrong_path_is_answered_with_the_right_one(given: str, meant: str, reply: Reply) -> None:
    network = Network({f"{meant}/models": reply})
    text = unjudgeable(network, target(given))
    assert "answers 404" in text
    assert text.endswith(f"did you mean --base-url=http://{HOST}{meant} ?")


def test_a_wrong_path_is_found_although_the_model_is_named() -> None:
    assert "did you mean" in unjudgeable(Network({"/v1/models": (200, LIST)}), target("/v1/v1"), "m-1")


def test_where_no_usual_path_answers_the_path_is_to_be_checked() -> None:
    assert unjudgeable(Network({}), target()).endswith("check the path of the base URL")


def test_an_api_without_a_model_list_serves_whoever_names_a_model() -> None:
    assert smoke.prove(target(), "m", Network({})).model == "m"


def test_a_page_is_not_an_api() -> None:
    text = unjudgeable(Network({"/v1/models": (200, PAGE)}), target())
    assert "answers 200 Said So with an HTML page ('Open & WebUI'), not with JSON" in text


def test_a_page_before_the_api_leads_to_it() -> None:
    text = unjudgeable(Network({"/models": (200, PAGE), "/api/v1/models": (200, LIST)}), target(""))
    assert text.endswith(f"did you mean --base-url=http://{HOST}/api/v1 ?")


def test_a_redirect_is_not_followed_but_named() -> None:
    assert "redirects to https://else/v1" in unjudgeable(Network({"/v1/models": (301, b"")}), target())


def test_without_a_key_one_is_asked_for() -> None:
    text = unjudgeable(Network({"/v1/models": (401, ENVELOPE)}), target())
    assert "401 Said So: no such route; give a key: WIREMARK_API_KEY" in text


def test_a_key_that_is_refused_is_said_to_be() -> None:
    text = unjudgeable(Network({"/v1/models": (403, ENVELOPE)}), target(key="sk-nobody"))
    assert "does not accept the key of the role 'default'" in text
    assert "sk-nobody" not in text


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_endpoint_that_is_down_is_not_judged(status: int) -> None:
    text = unjudgeable(Network({"/v1/models": (status, ENVELOPE)}), target())
    assert f"answers {status} Said So: no such route; try again" in text


def test_a_page_of_a_broken_proxy_is_a_broken_endpoint() -> None:
    assert "try again when it is well" in unjudgeable(Network({"/v1/models": (502, PAGE)}), target())


def test_success_without_json_is_no_api() -> None:
    assert "a body that is not JSON" in unjudgeable(Network({"/v1/models": (200, b"hello")}), target())


def test_json_that_is_no_model_list_is_left_to_the_checks() -> None:
    network: Callable[[str, Request], Exchange] = Network({"/v1/models": (200, {"models": []})})
    assert smoke.prove(target(), "m", network).model == "m"


def test_an_endpoint_of_another_dialect_is_asked_in_it() -> None:
    network: Callable[[str, Request], Exchange] = Network({"/v1/models": (200, LIST)})
    proof = smoke.prove(target(contract="anthropic", key="sk-mine"), "m-2", network)
    assert (proof.model, proof.exchange.probe) == ("m-2", "messages.models.list")
    headers = proof.exchange.request.headers
    assert {("x-api-key", "sk-mine"), ("anthropic-version", "2023-06-01")} <= set(headers)


def test_the_key_goes_with_the_request() -> None:
    proof = smoke.prove(target(key="sk-mine"), None, Network({"/v1/models": (200, LIST)}))
    assert ("authorization", "Bearer sk-mine") in proof.exchange.request.headers


GOOGLE_LIST = {"models": [{"name": "models/m-pro"}, {"name": "models/m-flash"}]}


class Gemini(Network):
    """Lists its models below one base path, whatever the page asked for."""

    def __init__(self, base_path: str, reply: Reply) -> None:
        super().__init__({})
        self.path, self.reply = f"{base_path}/v1beta/models", reply

    def __call__(self, probe: str, request: Request) -> Exchange:
        if request.target.partition("?")[0] == self.path:
            self.replies = {request.target: self.reply}
        return super().__call__(probe, request)


def test_gemini_is_asked_in_its_own_words_and_its_models_lose_their_prefix() -> None:
    proof = smoke.prove(target("", "gemini", "sk-mine"), "m-flash", Gemini("", (200, GOOGLE_LIST)))
    assert (proof.model, proof.exchange.probe) == ("m-flash", "gemini.models.list")
    assert ("x-goog-api-key", "sk-mine") in proof.exchange.request.headers


def test_gemini_refuses_a_key_with_a_400() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    refusal = {"error": {"code": 400, "message": "API key not valid.", "details": details}}
    text = unjudgeable(Gemini("", (400, refusal)), target("", "gemini", "sk-nobody"))
    assert "400 Said So: API key not valid; it does not accept the key of the role 'default'" in text


def test_a_wrong_path_of_gemini_is_answered_with_the_right_one() -> None:
    text = unjudgeable(Gemini("", (200, GOOGLE_LIST)), target("/v1beta", "gemini"))
    assert text.endswith(f"did you mean --base-url=http://{HOST} ?")


def test_a_mistyped_model_of_gemini_is_answered_with_a_near_one() -> None:
    with pytest.raises(smoke.UnknownModelError, match="did you mean 'm-flash'"):
        smoke.prove(target("", "gemini"), "m-flesh", Gemini("", (200, GOOGLE_LIST)))


def test_a_named_model_is_asked_of_an_api_without_a_list_although_something_else_has_a_list_of_words() -> (
    None
):
    words = {"models": ["m-1", "m-2"]}
    network = Network({"/v1/models": (404, {"detail": "Not Found"}), "/models": (200, words)})
    assert smoke.prove(target(), "m-1", network).model == "m-1"
