"""One user's requests: what is told of each, and which are sent again."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

from wiremark_loadtests.bill.receipts import Outcome
from wiremark_loadtests.client.sender import Sender, Sent
from wiremark_loadtests.client.wire import ResponseReader
from wiremark_loadtests.settings import Given, resolve

KEY = "hermes_pk_made_up"
ENTRY = """\
wiremark: scenario/1
name: mine
title: Mine
mix:
  - {name: a, weight: 1, prompt_words: [2, 4], max_tokens: 8"""
GIVEN = Given("", contract="hermes-tokens", api_key=KEY, seed=1)


def _send(gateway: Any, folder: Path, entry: str, times: int = 1) -> list[Sent]:
    path = folder / "mine.yaml"
    path.write_text(f"{ENTRY}, {entry}}}\n")
    sender = Sender(resolve(replace(GIVEN, base_url=gateway.base_url, scenario=str(path)), {}), "0.0")
    sent: list[Sent] = []
    begun: list[None] = []
    for _ in range(times):
        sender.send(None, None, lambda: begun.append(None), sent.append)
    sender.close()
    assert len(begun) == len(sent)
    return sent


def test_a_receipt_says_what_was_told(gateway: Any, tmp_path: Path) -> None:
    (sent,) = _send(gateway, tmp_path, "stream: true")
    receipt = sent.receipt
    assert (receipt.request_id, receipt.outcome, receipt.tokens) == ("req-1", Outcome.OK, (11, 3))
    assert receipt.sent_ms <= receipt.at_ms
    assert receipt.ceiling is not None
    assert receipt.ceiling[1] == 8
    assert sent.at.due == sent.at.sent <= (sent.at.first_byte or 0) <= sent.at.ended


def test_a_refusal_that_may_pass_is_tried_again_and_no_other(gateway: Any, tmp_path: Path) -> None:
    gateway.status = 503
    tried = _send(gateway, tmp_path, "stream: false, retry: {attempts: 3, idempotent: true}")
    assert [sent.is_retry for sent in tried] == [False, True, True]
    assert len({sent.planned.body for sent in tried}) == 1
    gateway.status = 400
    assert len(_send(gateway, tmp_path, "stream: false, retry: {attempts: 3}")) == 1


def test_a_client_that_hangs_up_asks_again(gateway: Any, tmp_path: Path) -> None:
    tried = _send(gateway, tmp_path, "stream: true, cut: [sent], retry: {attempts: 2}")
    assert [sent.receipt.outcome for sent in tried] == [Outcome.CUT, Outcome.CUT]
    assert all(sent.receipt.sent and not sent.answer.error for sent in tried)


def test_a_conversation_sends_what_was_said(gateway: Any, tmp_path: Path) -> None:
    _send(gateway, tmp_path, "stream: true, turns: 3", times=4)
    roles = [[message["role"] for message in body["messages"]] for body in gateway.bodies]
    assert roles == [["user"], ["user", "assistant", "user"], ["user", "assistant"] * 2 + ["user"], ["user"]]
    assert gateway.bodies[1]["messages"][1]["content"] == "one two three"


def test_every_request_may_have_a_connection_of_its_own(gateway: Any, tmp_path: Path) -> None:
    sent = _send(gateway, tmp_path, "stream: false, reconnect: true", times=3)
    assert [one.receipt.outcome for one in sent] == [Outcome.OK] * 3


def test_an_answer_leaves_nothing_to_the_garbage_collector(gateway: Any, tmp_path: Path) -> None:
    """Collections are rare while a load runs, so that what waits for them would pile up."""
    _send(gateway, tmp_path, "stream: true")
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        _send(gateway, tmp_path, "stream: true", times=3)
        _send(gateway, tmp_path, "stream: true, cut: [head]", times=3)
        gc.collect()
        assert [kept for kept in gc.garbage if isinstance(kept, ResponseReader)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
