"""A small scripted gateway with a ledger, for load runs against something that is not ours."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from wiremark_loadtests import summary
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.measure.tally import Moments, Tally
from wiremark_loadtests.settings import Given, resolve

KEY = "hermes_pk_made_up"
PROMPT, WORDS = 11, ("one ", "two ", "three")
PRICE_IN, PRICE_OUT = 140_000, 280_000  # µUSD per million tokens, as the contract hermes-tokens has them
EARLIER = "row-from-an-earlier-run"


def row(request_id: str, amount: int, **changes: Any) -> dict[str, Any]:
    """A ledger row as usage.list tells it."""
    return {
        "request_id": request_id,
        "created": 1764547200,
        "model": "deepseek-v4-flash",
        "status": 200,
        "prompt_tokens": PROMPT,
        "completion_tokens": len(WORDS),
        "amount_microusd": amount,
        "state": "settled",
        **changes,
    }


def right_price() -> int:
    return -(-(PROMPT * PRICE_IN + len(WORDS) * PRICE_OUT) // 1_000_000)


def chunk(request_id: str, **fields: Any) -> bytes:
    document = {"id": request_id, "object": "chat.completion.chunk", "created": 1, "model": "m", **fields}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def stream_of(request_id: str) -> list[bytes]:
    """The events of a well-formed stream."""
    usage = {"prompt_tokens": PROMPT, "completion_tokens": len(WORDS), "total_tokens": PROMPT + len(WORDS)}
    choices: list[dict[str, Any]] = [
        {"delta": {"role": "assistant", "content": ""}, "finish_reason": None},
        *[{"delta": {"content": word}, "finish_reason": None} for word in WORDS],
        {"delta": {}, "finish_reason": "stop"},
    ]
    return [
        *(chunk(request_id, choices=[{"index": 0, **choice}]) for choice in choices),
        chunk(request_id, choices=[], usage=usage),
        b"data: [DONE]\n\n",
    ]


@dataclass
class Gateway:
    """The script of one fake gateway and what it saw.

    bill:   request id → the rows that it writes for an answered request
    events: request id → the events of a stream
    status: answers chat requests with this status when it is not 200
    funds:  µUSD that the account had before its first row
    """

    bill: Callable[[str], list[dict[str, Any]]] = lambda request_id: [row(request_id, right_price())]
    events: Callable[[str], list[bytes]] = stream_of
    status: int = 200
    funds: int = 1_000_000
    rows: list[dict[str, Any]] = field(default_factory=lambda: [row(EARLIER, 999)])
    bodies: list[dict[str, Any]] = field(default_factory=list)
    base_url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: dict[str, Any]) -> tuple[str, list[bytes] | dict[str, Any]]:
        with self.lock:
            self.bodies.append(body)
            request_id = f"req-{len(self.bodies)}"
            if self.status == 200:
                self.rows[:0] = self.bill(request_id)
        if self.status != 200:
            return request_id, {"error": {"message": "no", "type": "t", "code": None, "param": None}}
        if body.get("stream"):
            return request_id, self.events(request_id)
        message = {"role": "assistant", "content": "".join(WORDS)}
        return request_id, {
            "id": request_id,
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": PROMPT, "completion_tokens": len(WORDS)},
        }

    def balance(self) -> dict[str, int]:
        with self.lock:
            charged = sum(row["amount_microusd"] for row in self.rows if row["state"] != "held")
        return {"balance_microusd": self.funds - charged, "held_microusd": 0}

    def csv(self) -> str:
        names = ("request_id", "model", "prompt_tokens", "completion_tokens", "amount_microusd", "state")
        with self.lock:
            lines = [",".join(str(row[name]) for name in names) for row in self.rows]
        return "\n".join([",".join(names), *lines]) + "\n"

    def usage(self, query: dict[str, list[str]]) -> dict[str, Any]:
        limit, after = int(query["limit"][0]), query.get("after", [None])[0]
        with self.lock:
            start = int(after) if after else 0
            page, more = self.rows[start : start + limit], start + limit < len(self.rows)
        return {
            "object": "list",
            "data": page,
            "has_more": more,
            "next_after": str(start + limit) if more else None,
        }


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # clients hang up, some of them in the middle
                super().handle()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it
            pass

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                self._json(401, {"error": {"message": "wrong key"}})
            elif url.path == "/api/v1/models":
                self._json(200, {"object": "list", "data": []})
            elif url.path == "/api/v1/usage":
                self._json(200, gateway.usage(parse_qs(url.query)))
            elif url.path == "/api/v1/balance":
                self._json(200, gateway.balance())
            elif url.path == "/api/v1/usage.csv":
                self._send(200, "text/csv", gateway.csv().encode())
            else:
                self._json(404, {"error": {"message": "no such path"}})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request_id, answer = gateway.answer(body)
            if isinstance(answer, dict):
                self._json(gateway.status, answer, request_id)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("X-Request-Id", request_id)
            self.end_headers()
            for event in answer:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            self.wfile.write(b"0\r\n\r\n")

        def _json(self, status: int, document: dict[str, Any], request_id: str = "") -> None:
            self._send(status, "application/json", json.dumps(document).encode(), request_id)

        def _send(self, status: int, content_type: str, body: bytes, request_id: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            if request_id:
                self.send_header("X-Request-Id", request_id)
            self.end_headers()
            self.wfile.write(body)

    return Handler


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A running fake gateway; its script may be changed until the first request."""
    script = Gateway()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    server.daemon_threads = True
    script.base_url = f"http://127.0.0.1:{server.server_address[1]}/api/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def load_json() -> Callable[..., dict[str, Any]]:
    """Make load.json of a small run: one answer of three tokens and one refusal; `changes` replace parts."""

    def make(**changes: Any) -> dict[str, Any]:
        settings = resolve(Given("http://127.0.0.1:9/v1", contract="openai", seed=7), {})
        tally = Tally()
        for _ in range(2):
            tally.start(0)
        answered = Receipt("r1", "default", settings.model, Outcome.OK, 200, (PROMPT, 3))
        refused = Receipt("r2", "default", settings.model, Outcome.REFUSED, 429)
        at = Moments(0, 0, 1_000_000, 5_000_000)
        tally.add(answered, Answer(Outcome.OK, "", (PROMPT, 3), 2_000_000, (10**6, 10**6)), at, settings.slo)
        tally.add(refused, Answer(Outcome.REFUSED, "rate_limited"), at, settings.slo)
        return summary.document(settings, 20, tally, datetime(2026, 1, 2, tzinfo=UTC), 4.0, None) | changes

    return make
