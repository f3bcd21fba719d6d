"""Whether faults can show where they are asked for, and how the catalogue is shown to a person."""

from __future__ import annotations

import json

import pytest
from wiremark_schemas import contracts
from wiremark_server.commands import faults
from wiremark_server.faults import catalogue, together
from wiremark_server.faults.contracts import find
from wiremark_server.faults.rules import Rules
from wiremark_server.faults.subject import ReferenceSubject
from wiremark_server.faults.together import NeverShowsError

HERMES = "hermes-tokens"


def _check(names: list[str], *served: str) -> None:
    together.check(
        catalogue.find("fault", catalogue.faults(), names), [contracts.load(name) for name in served]
    )


def test_every_fault_can_show_under_the_contract_that_it_is_tried_under() -> None:
    assert not [
        fault.name
        for fault in catalogue.faults().values()
        if not together.shows(fault, contracts.load(find(fault.contract)))
    ]


def test_every_fault_can_be_served_with_a_bundled_contract() -> None:
    names = (
        "chat.stream.done-missing",
        "gemini.models.twice",
        "promise.invalid-key.type",
        "cors.headers-any",
    )
    for name in names:
        assert together.shown_under(catalogue.faults()[name]), name
    assert together.shown_under(catalogue.faults()["messages.stream.done"])[0] == "anthropic"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["responses.good.html"], "'responses.good.html' never shows under 'hermes-tokens': serve it with"),
        (["chat.stream.cut", "responses.good.html"], "'responses.good.html' never shows"),
        (
            ["http.redirect", "auth.key-echoed"],
            "cannot go together: the first answers every request to chat.create",
        ),
        (["promise.invalid-key.type", "promise.invalid-key.status"], None),
        (["chat.stream.done-missing", "chat.stream.cut"], None),
        (["limits.minute-higher", "limits.rate-503"], None),
    ],
)
def test_faults_that_would_not_be_seen_are_refused(names: list[str], said: str | None) -> None:
    if said is None:
        _check(names, HERMES)
    else:
        with pytest.raises(NeverShowsError, match=said):
            _check(names, HERMES)


@pytest.mark.parametrize(
    ("name", "contract"),
    [("answer.id-uuid", "aimlapi"), ("answer.no-details", "c0mpute"), ("gemini.no-index", HERMES)],
)
def test_a_variant_that_a_promise_forbids_is_refused(name: str, contract: str) -> None:
    served = [contracts.load(contract)]
    with pytest.raises(NeverShowsError, match=f"the variant '{name}' never shows under '{contract}'"):
        Rules(catalogue.chosen((), [name]), served)
    Rules(catalogue.chosen((), ["all"]), served)
    Rules(catalogue.chosen((), [name]), [*served, contracts.load("every-format")])


def test_two_faults_of_one_promise_do_not_go_together() -> None:
    with pytest.raises(NeverShowsError, match="both change the same promise, and the last one named"):
        _check(["ledger.price-swapped", "ledger.price-thousand"], HERMES)


@pytest.mark.parametrize(
    "name",
    [
        "gemini.models.twice",
        "models.list.prices-old",
        "responses.get.foreign",
        "responses.items.oldest-first",
    ],
)
def test_a_fault_breaks_no_server_of_another_contract(name: str) -> None:
    """It shows nothing there, where it is switched on beside a contract that has it."""
    from wiremark_conformance.selftest.trial import Trial, observe

    subject = ReferenceSubject()
    try:
        for contract in ("openai", "gemini"):
            observe(Trial(name, contract, (name,)), subject, ["models.list"])
    finally:
        subject.close()


@pytest.mark.parametrize(
    "names",
    [
        ("shape.chunk-arguments.choices.type", "shape.chunk-content.choices.type"),
        ("shape.chunk.choices.delta.tool_calls.type", "shape.chunk-role.created.null"),
        ("chat.stream.cut", "chat.stream.done-missing", "chat.stream.bom"),
    ],
)
def test_faults_of_one_stream_break_it_and_not_the_server(names: tuple[str, ...]) -> None:
    """What one has spoilt, the next finds spoilt."""
    from wiremark_conformance.selftest.trial import Trial, observe

    subject = ReferenceSubject()
    try:
        observe(Trial("both", HERMES, names), subject, ["chat.stream", "chat.tools.stream"])
    finally:
        subject.close()


# -- wiremark faults ---------------------------------------------------------------------------------------


def _printed(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    assert faults(list(argv)) == 0
    return capsys.readouterr().out.splitlines()


def test_the_list_is_narrowed_by_words_patterns_and_filters(capsys: pytest.CaptureFixture[str]) -> None:
    everything = _printed(capsys)
    assert len(everything) == len(catalogue.faults())
    named = _printed(capsys, "chat.stream.done-*")
    assert named
    assert all(line.startswith("chat.stream.done-") for line in named)
    said = _printed(capsys, "TERMINATOR", "chat.stream.")
    assert said
    assert all("terminator" in line for line in said)
    assert {line.split()[0] for line in _printed(capsys, "--layer", "timing")} == {
        "chat.stream.withheld",
        "chat.stream.stalled",
    }
    caught = _printed(capsys, "--catches", "limits.rate.retry-after")
    assert any(line.startswith("limits.retry-after-absent ") for line in caught)
    assert _printed(capsys, "--bug", "stream-done-missing")
    assert _printed(capsys, "--contract", "gemini", "--layer", "ledger")
    assert _printed(capsys, "no-such-word-anywhere") == []


def test_the_list_as_data_is_narrowed_too(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads("\n".join(_printed(capsys, "ledger.double-charge", "--json")))
    assert "ledger.double-charge" in [fault["name"] for fault in told["faults"]]
    assert len(told["faults"]) < 10
    told = json.loads("\n".join(_printed(capsys, "sse", "--variants", "--json")))
    assert {variant["name"] for variant in told["variants"]} >= {"wire.sse.comments", "wire.sse.retry"}


def test_one_fault_or_variant_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    said = "\n".join(_printed(capsys, "--explain", "messages.stream.done"))
    assert "wiremark serve --contract anthropic --fault messages.stream.done" in said
    assert "caught by" in said
    assert "legal for" in "\n".join(_printed(capsys, "--explain", "wire.sse.comments"))
    told = json.loads("\n".join(_printed(capsys, "--explain", "chat.stream.cut", "--json")))
    assert told["name"] == "chat.stream.cut"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--explain", "chat.stream.don"], "the nearest are chat.stream."),
        (["--layer", "foo"], "none of the faults has the layer 'foo'; there are errors, headers"),
        (["--variants", "--layer", "wire"], "none of the variants has the layer 'wire'"),
    ],
)
def test_what_there_is_not_is_refused(argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults(argv) == 2
    assert said in capsys.readouterr().err
