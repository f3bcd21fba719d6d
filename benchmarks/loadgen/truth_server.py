"""A server whose latencies are known: every stream's chunks leave on an absolute schedule.

One thread, one epoll, nothing but the standard library, so that its own lateness is small, and that
lateness is measured: the times at which chunks were really handed to the kernel are kept, and
`GET /truth` answers their distribution and starts a new one. Load tools are held against that.

    python truth_server.py --port 18080 --ttft-ms 200 --spread-ms 20 --itl-ms 20 --chunks 64

`GET /quit` or --max-seconds ends it. Each chunk carries, as the field `ns`, the CLOCK_MONOTONIC time at
which it was sent, so that a client on the same host can tell how late it noticed.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import math
import select
import socket
import time
from collections.abc import Sequence
from typing import Any

_now = time.monotonic_ns
_STAMP = "1111111111111111111"  # 19 digits: the width of a stamp, replaced by one
_MAX_EVENTS = 512
_READ = 65536
_MODEL = "truth"
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def distribution(values_ns: Sequence[int]) -> dict[str, float | int | None]:
    """Milliseconds: exact nearest-rank percentiles of all values."""
    ordered = sorted(values_ns)

    def at(share: float) -> float | None:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] / 1e6, 4) if ordered else None

    return {
        "count": len(ordered),
        "p50": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "max": at(1.0),
    }


def _frame(event: str) -> bytes:
    """One event as one chunk of a chunked body."""
    data = event.encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def _answer(document: Any) -> bytes:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Script:
    """The bytes of every answer, made once."""

    def __init__(self, chunks: int) -> None:
        common = {"id": "chatcmpl-truth", "object": "chat.completion.chunk", "created": 1, "model": _MODEL}
        usage = {"prompt_tokens": 10, "completion_tokens": chunks, "total_tokens": 10 + chunks}
        delta = {"role": "assistant", "content": " tok"}
        token = {**common, "ns": _STAMP, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        before, after = _frame(f"data: {json.dumps(token)}\n\n").split(_STAMP.encode())
        self.before, self.after = before, after
        finish = {**common, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        told = {**common, "choices": [], "usage": usage}
        ends = (json.dumps(finish), json.dumps(told), "[DONE]")
        self.tail = b"".join(_frame(f"data: {end}\n\n") for end in ends) + b"0\r\n\r\n"
        message = {"role": "assistant", "content": " tok" * chunks}
        whole = {**common, "object": "chat.completion", "usage": usage}
        whole["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
        self.plain = _answer(whole)
        self.models = _answer({"object": "list", "data": [{"id": _MODEL, "object": "model"}]})


class _Peer:
    """One connection; `sent` counts the chunks of the stream under way."""

    __slots__ = ("asked_ns", "base_ns", "buffer", "last_ns", "sent", "socket", "unsent")

    def __init__(self, connection: socket.socket) -> None:
        self.socket: socket.socket | None = connection
        self.buffer = b""
        self.unsent = b""
        self.sent = 0
        self.asked_ns = self.base_ns = self.last_ns = 0


class TruthServer:
    """Listens on `port` of the loopback; 0 takes a free one. Times in milliseconds."""

    def __init__(self, port: int, *, ttft: float, spread: float, itl: float, chunks: int) -> None:
        self._ttft, self._spread = ttft, spread
        self._itl_ns = int(itl * 1e6)
        self._chunks = chunks
        self._script = _Script(chunks)
        self._due: list[tuple[int, int, _Peer]] = []
        self._serial = 0
        self._phase = 0.0
        self._peers: dict[int, _Peer] = {}
        self._stopped = False
        self._live = 0
        self._forget()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)

    def run(self, seconds: float) -> None:
        """Serve until asked to quit, for at most so long."""
        end = time.monotonic() + seconds
        while not self._stopped and time.monotonic() < end:
            wait = 0.05
            if self._due:
                self._send_due()
                wait = max(0.0, (self._due[0][0] - _now()) / 1e9) if self._due else wait
            if wait > 0:  # epoll.poll counts in milliseconds, select on its descriptor does not
                select.select([self._epoll.fileno()], [], [], min(wait, 0.05))
            for descriptor, event in self._epoll.poll(0, _MAX_EVENTS):
                if descriptor == self._listener.fileno():
                    self._accept()
                else:
                    self._serve(self._peers[descriptor], event)
        for peer in list(self._peers.values()):
            self._close(peer)
        self._listener.close()
        self._epoll.close()

    def _forget(self) -> None:
        self._first: list[int] = []
        self._gaps: list[int] = []
        self._late: list[int] = []
        self._requests = 0
        self._peak = self._live
        self._cpu = time.process_time()

    def _truth(self) -> dict[str, Any]:
        """What was really done since the last call."""
        told = {
            "requests": self._requests,
            "chunks": len(self._late),
            "peak_streams": self._peak,
            "time_to_first_token": distribution(self._first),
            "inter_token": distribution(self._gaps),
            "late": distribution(self._late),
            "cpu_seconds": round(time.process_time() - self._cpu, 3),
        }
        self._forget()
        return told

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(_MAX_EVENTS):
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._peers[connection.fileno()] = _Peer(connection)
                self._epoll.register(connection.fileno(), select.EPOLLIN)

    def _serve(self, peer: _Peer, event: int) -> None:
        if peer.socket is None:
            return
        try:
            if event & select.EPOLLOUT:
                unsent, peer.unsent = peer.unsent, b""
                self._epoll.modify(peer.socket.fileno(), select.EPOLLIN)
                self._send(peer, unsent)
            if event & ~select.EPOLLOUT:
                data = peer.socket.recv(_READ)
                if not data:
                    self._close(peer)
                    return
                peer.buffer += data
                self._read_requests(peer)
        except BlockingIOError:
            pass
        except OSError:
            self._close(peer)

    def _read_requests(self, peer: _Peer) -> None:
        while (end := peer.buffer.find(b"\r\n\r\n")) >= 0:
            head = peer.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(peer.buffer) < end + 4 + length:
                return
            body = peer.buffer[end + 4 : end + 4 + length]
            peer.buffer = peer.buffer[end + 4 + length :]
            self._answer(peer, head.split(b" ", 2)[1], head.startswith(b"get "), body)

    def _answer(self, peer: _Peer, path: bytes, is_get: bool, body: bytes) -> None:
        if path == b"/truth":
            self._send(peer, _answer(self._truth()))
        elif path == b"/quit":
            self._stopped = True
            self._send(peer, _answer({}))
        elif is_get:
            self._send(peer, self._script.models)
        elif b'"stream": true' in body or b'"stream":true' in body:
            self._begin_stream(peer)
        else:
            self._requests += 1
            self._send(peer, self._script.plain)

    def _begin_stream(self, peer: _Peer) -> None:
        self._requests += 1
        self._live += 1
        self._peak = max(self._peak, self._live)
        self._phase = (self._phase + 0.6180339887) % 1.0  # spreads any number of streams evenly
        peer.asked_ns = _now()
        peer.base_ns = peer.asked_ns + int((self._ttft + self._phase * self._spread) * 1e6)
        peer.sent = 0
        self._schedule(peer)

    def _schedule(self, peer: _Peer) -> None:
        self._serial += 1
        heapq.heappush(self._due, (peer.base_ns + peer.sent * self._itl_ns, self._serial, peer))

    def _send_due(self) -> None:
        now = _now()
        while self._due and self._due[0][0] <= now:
            due_ns, _, peer = heapq.heappop(self._due)
            now = _now()
            if peer.socket is None:
                continue
            data = self._script.before + b"%019d" % now + self._script.after
            if peer.sent == 0:
                data = _HEAD + data
                self._first.append(now - peer.asked_ns)
            else:
                self._gaps.append(now - peer.last_ns)
            self._late.append(now - due_ns)
            peer.last_ns = now
            peer.sent += 1
            if peer.sent < self._chunks:
                self._schedule(peer)
            else:
                self._live -= 1
                data += self._script.tail
            try:
                self._send(peer, data)
            except OSError:
                self._close(peer)

    def _send(self, peer: _Peer, data: bytes) -> None:
        if peer.unsent or peer.socket is None:
            peer.unsent += data
            return
        try:
            sent = peer.socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            peer.unsent = data[sent:]
            self._epoll.modify(peer.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _close(self, peer: _Peer) -> None:
        if peer.socket is None:
            return
        del self._peers[peer.socket.fileno()]
        if 0 < peer.sent < self._chunks:
            self._live -= 1
        peer.socket.close()  # which also takes it out of the epoll
        peer.socket = None


def main() -> None:
    parser = argparse.ArgumentParser(description="A streaming server of known latency.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ttft-ms", type=float, default=200)
    parser.add_argument("--spread-ms", type=float, default=20, help="streams' first tokens spread over this")
    parser.add_argument("--itl-ms", type=float, default=20)
    parser.add_argument("--chunks", type=int, default=64)
    parser.add_argument("--max-seconds", type=float, default=600)
    given = parser.parse_args()
    server = TruthServer(
        given.port, ttft=given.ttft_ms, spread=given.spread_ms, itl=given.itl_ms, chunks=given.chunks
    )
    print(f"listening on http://127.0.0.1:{server.port}/v1", flush=True)
    server.run(given.max_seconds)


if __name__ == "__main__":
    main()
