"""Remote images: fetched from the internet alone, within limits, by the address that was looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from wiremark_server.domain.problem import ProblemError
from wiremark_server.policy.fetching import FetchLimits, ImageFetcher, is_public

PNG = b"\x89PNG\r\n\x1a\n and more"
QUICK = FetchLimits(seconds=2.0, bytes=1000, redirects=2)
PARAM = "messages[0].content[1].image_url.url"

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address that must not be asked
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "ff02::1",
    ],
)
def test_what_is_not_the_internet_is_not(address: str) -> None:
    assert not is_public(address)


def fetch(answer: bytes | Answer, path: str = "/a.png", **how: object) -> tuple[str, list[bytes]]:
    """What the client is told ("" when the image is accepted), and the heads that the host got."""
    heads: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if isinstance(answer, bytes):
            writer.write(answer)
        else:
            await answer(heads[-1], writer)
        writer.close()

    async def run() -> str:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        async def here(_: str, __: int) -> Sequence[str]:
            return ["127.0.0.1"]

        options = {"allowed": lambda _: True, "resolve": here, "limits": QUICK, **how}
        fetcher = ImageFetcher(**options)  # type: ignore[arg-type]
        try:
            await fetcher.check(f"http://images.invalid:{port}{path}", PARAM)
        except ProblemError as error:
            return f"{error.problem.param}: {error.problem.message}"
        finally:
            server.close()
            for writer in writers:
                writer.transport.abort()
            await asyncio.sleep(0)  # the loop closes what was aborted
        return ""

    return asyncio.run(run()), heads


def said(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode() + body


def test_an_image_is_accepted_and_nothing_is_told_to_its_host() -> None:
    told, heads = fetch(said(PNG))
    assert told == ""
    assert heads == [b"GET /a.png HTTP/1.0\r\nhost: images.invalid\r\naccept: image/*\r\n\r\n"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said(b"<html>"), "is no png, jpeg, gif or webp image"),
        (said(b""), "is no png"),
        (said(PNG, "404 Not Found"), "answered with 404"),
        (said(PNG + b"x" * 1000), "larger than 1000 bytes"),
        (said(PNG, "200 OK", "content-length: 99999"), "larger than 1000 bytes"),
        (said(PNG, "200 OK", "content-length: many"), "could not be fetched"),
        (b"hello\r\n\r\n", "not answered in HTTP"),
        (b"x" * 100_000, "its head is too large"),
        (b"", "could not be fetched"),
    ],
)
def test_what_is_no_image_is_refused(answer: bytes, words: str) -> None:
    assert words in fetch(answer)[0]


def test_redirects_are_few() -> None:
    told, heads = fetch(said(b"", "302 Found", "location: /again"))
    assert told.startswith(f"{PARAM}: ")
    assert "redirects more than 2 times" in told
    assert len(heads) == 3


def test_a_host_that_says_nothing_is_given_up() -> None:
    async def silent(_: bytes, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    assert "could not be fetched" in fetch(silent, limits=FetchLimits(seconds=0.2))[0]


def test_a_name_with_one_inner_address_is_not_asked() -> None:
    async def both(_: str, __: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    told, heads = fetch(said(PNG), allowed=is_public, resolve=both)
    assert "not on the public internet" in told
    assert heads == []


def test_a_redirect_into_the_network_is_not_followed() -> None:
    async def by_name(host: str, _: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "images.invalid" else ["10.0.0.1"]

    told, heads = fetch(
        said(b"", "302 Found", "location: http://inner.invalid/"),
        allowed=lambda address: address == "127.0.0.1",
        resolve=by_name,
    )
    assert "not on the public internet" in told
    assert len(heads) == 1


@pytest.mark.parametrize(
    "url", ["ftp://a.invalid/x.png", "file:///etc/passwd", "http:///x", "http://user:pw@a.invalid/x.png"]
)
def test_other_urls_are_not_fetched(url: str) -> None:
    async def nobody(_: str, __: int) -> Sequence[str]:
        raise AssertionError("nothing is to be looked up")

    with pytest.raises(ProblemError, match="only plain http and https"):
        asyncio.run(ImageFetcher(resolve=nobody).check(url, PARAM))
