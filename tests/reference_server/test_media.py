"""Images as tasks: rules, money, webhooks that are signed and sent again, and restarts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import struct
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from wiremark_server.clock import ManualClock
from wiremark_server.domain.problem import ProblemError
from wiremark_server.keys import KeyStore
from wiremark_server.ledger.records import HoldRequest
from wiremark_server.ledger.store import Ledger
from wiremark_server.media import outbound, picture
from wiremark_server.media.guard import Forbidden, Guard
from wiremark_server.media.request import ImageRequest
from wiremark_server.media.studio import RETRY_SECONDS, Studio
from wiremark_server.media.task import Task

LOOPBACK = Guard([ipaddress.ip_network("127.0.0.0/8")])
PRICE = 12_000
IMAGES = "/v1/images/generations"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[::ffff:192.168.0.1]/",
        "http://[fd00::1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://localhost:8000/",
        "http://db.internal/",
        "http://user:pass@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com",
        "http://",
        "http://[::1",
        "http://example.com:0/",
        "http://example.com:99999/",
    ],
)
def test_an_address_inside_is_refused_at_once(url: str) -> None:
    with pytest.raises(ProblemError):
        Guard().check(url, "webhook_url")


@pytest.mark.parametrize("url", ["http://example.com/hook", "https://93.184.216.34:8443/x?y=1"])
def test_a_public_address_is_taken(url: str) -> None:
    Guard().check(url, "webhook_url")


def test_a_name_that_leads_inside_is_refused_when_it_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """However public the name looks, and although another of its addresses is public."""

    async def resolve() -> tuple[str, int]:
        loop = asyncio.get_running_loop()

        async def found(*_: Any, **__: Any) -> list[Any]:
            return [(0, 0, 0, "", (address, 80)) for address in ("93.184.216.34", "127.0.0.1")]

        monkeypatch.setattr(loop, "getaddrinfo", found)
        return await Guard().resolve("http://rebound.example.com/")

    with pytest.raises(Forbidden):
        asyncio.run(resolve())


def test_the_picture_has_the_size_asked_for() -> None:
    asked = ImageRequest("m", "16:9", "4k", "00" * 32, (), None)
    assert asked.pixels == (4096, 2304)
    image = picture.png(*asked.pixels, b"\1\2\3")
    assert struct.unpack(">II", image[16:24]) == (4096, 2304)
    start = image.index(b"IDAT") + 4
    assert len(zlib.decompress(image[start:])) == 2304 * (4096 // 8 + 1)
    assert ImageRequest("m", "2:3", "1k", "00" * 32, (), None).pixels == (682, 1024)


class Receiver:
    """Takes webhooks, and answers each with the next of some statuses."""

    def __init__(self, statuses: Sequence[int]) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict[str, str], bytes]] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.got.append((headers, body))
        writer.write(f"HTTP/1.1 {self.statuses.pop(0)} X\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


class Bench:
    """A ledger with one key and an account of 1 USD, and studios over it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.sqlite"
        self.clock = ManualClock()
        self.pauses: list[float] = []

    async def open(self) -> None:
        self.ledger = Ledger.open(self.path, self.clock)
        self.keys = KeyStore(self.ledger)

    async def begin(self) -> str:
        await self.open()
        self.key, secret = await self.keys.create("acme", "llm_")
        await self.ledger.grant("acme", 1_000_000, "test")
        return secret

    def studio(self) -> Studio:
        async def sleep(seconds: float) -> None:
            if seconds:
                self.pauses.append(seconds)
            await asyncio.sleep(0)

        return Studio(self.ledger, self.keys, self.clock, LOOPBACK, sleep=sleep)

    async def paid(self, webhook: str | None = None, references: tuple[str, ...] = ()) -> Task:
        asked = ImageRequest("gpt-image-2", "1:1", "1k", "ab" * 32, references, webhook)
        await self.ledger.hold(HoldRequest("req_1", "acme", self.key.id, "gpt-image-2", PRICE))
        await self.ledger.settle("req_1", PRICE, 0, 0, 202, "ok")
        return Task.of("media_1", self.key.id, "req_1", PRICE, "http://x/1.png", asked)


async def _nothing() -> None:
    pass


def _told(secret: str, headers: dict[str, str], body: bytes) -> None:
    """As a receiver checks it, knowing nothing but its own API key."""
    key = hmac.new(hashlib.sha256(secret.encode()).digest(), b"wiremark webhook", hashlib.sha256).digest()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_a_webhook_is_signed_and_sent_again_until_it_is_taken(tmp_path: Path) -> None:
    bench, receiver = Bench(tmp_path), Receiver([500, 302, 204])

    async def work() -> None:
        secret = await bench.begin()
        studio = bench.studio()
        async with receiver.listening() as url:
            await studio.submit(await bench.paid(url), _nothing)
            await studio.settled()
        assert [json.loads(body)["type"] for _, body in receiver.got] == ["task.completed"] * 3
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        for headers, body in receiver.got:
            _told(secret, headers, body)
        assert bench.pauses == list(RETRY_SECONDS[:2])
        task = await studio.find("media_1", bench.key.id)
        assert task is not None
        assert (task.status, task.notice, task.attempts) == ("completed", "delivered", 3)
        await bench.ledger.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("statuses", "attempts"), [([410], 1), ([500] * (len(RETRY_SECONDS) + 1), len(RETRY_SECONDS) + 1)]
)
def test_a_webhook_that_nobody_takes_is_given_up(tmp_path: Path, statuses: list[int], attempts: int) -> None:
    bench, receiver = Bench(tmp_path), Receiver(statuses)

    async def work() -> None:
        await bench.begin()
        studio = bench.studio()
        async with receiver.listening() as url:
            await studio.submit(await bench.paid(url), _nothing)
            await studio.settled()
        task = await studio.find("media_1")
        assert task is not None
        assert (task.notice, task.attempts) == ("given up", attempts)
        assert await bench.ledger.fetch("SELECT id FROM task WHERE done=0") == []
        await bench.ledger.close()

    asyncio.run(work())


def test_a_task_that_fails_is_refunded_and_told(tmp_path: Path) -> None:
    bench, receiver = Bench(tmp_path), Receiver([200])

    async def work() -> None:
        await bench.begin()
        studio = bench.studio()
        async with receiver.listening() as url:
            task = await bench.paid(url, ("https://wiremark.invalid/none.png",))
            assert (await bench.ledger.balance("acme")).balance == 1_000_000 - PRICE
            await studio.submit(task, _nothing)
            await studio.settled()
        assert (await bench.ledger.balance("acme")).balance == 1_000_000
        told = json.loads(receiver.got[0][1])
        assert (told["type"], "image_urls[0]" in told["data"]["error"]["message"]) == (
            "task.failed",
            True,
        )
        await bench.ledger.close()

    asyncio.run(work())


def test_a_task_survives_a_restart(tmp_path: Path) -> None:
    bench, receiver = Bench(tmp_path), Receiver([200])

    async def work() -> None:
        await bench.begin()
        async with receiver.listening() as url:
            first = bench.studio()
            await first.submit(await bench.paid(url), _nothing)
            await first.close()  # before it had a turn
            await bench.ledger.close()
            await bench.open()
            second = bench.studio()
            assert await second.resume() == 1
            await second.settled()
            task = await second.find("media_1", bench.key.id)
            assert task is not None
            assert (task.status, task.notice) == ("completed", "delivered")
            assert await second.resume() == 0
        await bench.ledger.close()

    asyncio.run(work())


def test_a_webhook_goes_nowhere_inside() -> None:
    """Even if such an address had found its way into the store."""
    receiver = Receiver([200])

    async def work() -> int | None:
        async with receiver.listening() as url:
            return await outbound.Outbound(Guard()).post(url, {}, b"{}")

    assert asyncio.run(work()) is None
    assert receiver.got == []


@pytest.fixture
def banana2(in_process: Any) -> Any:
    return in_process("banana2")


def _ask(gateway: Any, **body: Any) -> Any:
    asked = {"model": "gpt-image-2", "prompt": "A cat"} | body
    return gateway.post(IMAGES, json.dumps(asked).encode())


def test_the_charge_is_taken_at_once_and_the_prompt_is_not_kept(banana2: Any) -> None:
    before = banana2.get("/v1/balance").json["balance_microusd"]
    answer = _ask(banana2, prompt="A very secret cat")
    assert (answer.status, answer.json["status"], answer.json["charge"]) == (202, "pending", "0.01200")
    assert banana2.get("/v1/balance").json["balance_microusd"] == before - PRICE
    (text,) = [row[0] for row in banana2.run(banana2.ledger.fetch("SELECT document FROM task"))]
    assert "secret" not in text


def test_only_its_owner_sees_a_task_and_anybody_its_image(banana2: Any) -> None:
    task = _ask(banana2, size="2:1").json["task_id"]
    banana2.run(banana2.app.services.studio.settled())
    shown = banana2.get(f"/v1/tasks/{task}").json
    assert shown["status"] == "completed"
    assert banana2.get(f"/v1/tasks/{task}", role="restricted").status == 404
    (url,) = shown["result"]["urls"]
    image = banana2.get(url.partition("/llm-api")[2], role=None)
    assert (image.status, image.headers["content-type"], image.body[:4]) == (200, "image/png", b"\x89PNG")
    assert banana2.get("/v1/files/media_none.png", role=None).status == 404


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"size": "16:10"}, "size"),
        ({"resolution": "4k"}, "resolution"),
        ({"resolution": "4k", "size": "3:2"}, "resolution"),
        ({"n": 2}, "n"),
        ({"n": "1"}, "n"),
        ({"image_urls": ["https://example.com/x.png"] * 17}, "image_urls"),
        ({"image_urls": ["data:text/plain;base64,eA=="]}, "image_urls[0]"),
        ({"image_urls": ["http://192.168.1.1/x.png"]}, "image_urls[0]"),
        ({"webhook_url": "http://10.0.0.1/"}, "webhook_url"),
        ({"model": "gpt-4o"}, "model"),
        ({"model": "nobody"}, "model"),
    ],
)
def test_what_is_not_made_is_refused_for_free(banana2: Any, body: dict[str, Any], param: str) -> None:
    answer = _ask(banana2, **body)
    assert answer.status in {400, 404}
    assert answer.error["param"] == param
    assert banana2.get("/v1/usage").json["data"] == []


@pytest.mark.parametrize(
    "size", ["auto", "1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "5:4", "21:9", "9:21"]
)
def test_every_ratio_is_made(banana2: Any, size: str) -> None:
    assert _ask(banana2, size=size, resolution="2k").status == 202


@pytest.mark.parametrize("size", ["16:9", "9:16", "1:2", "2:1", "21:9", "9:21"])
def test_4k_is_made_in_six_ratios(banana2: Any, size: str) -> None:
    assert _ask(banana2, size=size, resolution="4k").status == 202


def test_without_credit_there_is_no_task(banana2: Any) -> None:
    asked = json.dumps({"model": "gpt-image-2", "prompt": "A cat"}).encode()
    assert banana2.post(IMAGES, asked, role="exhausted").status in {402, 429}
    assert banana2.run(banana2.ledger.fetch("SELECT document FROM task")) == []
