"""Images at URLs that clients name, fetched so that nobody is led into the server's own network.

Every address that a name has must be public, and the connection goes to the very address that was
looked at, so that a name cannot mean another host a moment later. Redirects are followed a few times, each
looked at in the same way. Time and size are bounded; no credentials and no cookies are sent.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from wiremark_server.dialects import images
from wiremark_server.domain import problem

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_HEAD_BYTES = 32 * 1024
_PORTS = {"http": 80, "https": 443}


class _Refused(Exception):  # noqa: N818 - told to the client in a sentence of its own
    """Why an image is not to be had."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """seconds: for all of one image; bytes: of its body; redirects: followed at most."""

    seconds: float = 5.0
    bytes: int = 20 * 1024 * 1024
    redirects: int = 3


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet: not private, loopback, link-local, mapped or reserved."""
    found = ipaddress.ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if mapped is not None:
        return is_public(str(mapped))
    return found.is_global and not found.is_multicast


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in answers]


@dataclass(frozen=True)
class ImageFetcher:
    """Fetches images; `allowed` says which addresses may be asked."""

    allowed: Callable[[str], bool] = is_public
    resolve: Resolve = resolve
    limits: FetchLimits = FetchLimits()

    async def check(self, url: str, param: str) -> None:
        """Raise ProblemError unless there is an image at the URL; `param` is where the client named it."""
        try:
            async with asyncio.timeout(self.limits.seconds):
                body = await self._fetch(url)
        except (TimeoutError, OSError, _Refused, asyncio.IncompleteReadError, ValueError) as error:
            reason = str(error) if isinstance(error, _Refused) else "it could not be fetched"
            raise problem.invalid_request(
                f"Invalid value for '{param}': the image at this URL is not to be had: {reason}.", param
            ) from None
        if not images.is_image(body):
            raise problem.invalid_request(
                f"Invalid value for '{param}': what is at this URL is no png, jpeg, gif or webp image.", param
            )

    async def _fetch(self, url: str) -> bytes:
        for _ in range(self.limits.redirects + 1):
            target = urlsplit(url)
            if target.scheme not in _PORTS or not target.hostname or target.username is not None:
                raise _Refused("only plain http and https URLs are fetched")
            status, headers, body = await self._get(target, target.hostname)
            if status in {301, 302, 303, 307, 308} and "location" in headers:
                url = urljoin(url, headers["location"])
                continue
            if status != 200:
                raise _Refused(f"it was answered with {status}")
            return body
        raise _Refused(f"it redirects more than {self.limits.redirects} times")

    async def _get(self, target: SplitResult, host: str) -> tuple[int, dict[str, str], bytes]:
        port = target.port or _PORTS[target.scheme]
        addresses = await self.resolve(host, port)
        if not addresses or not all(self.allowed(address) for address in addresses):
            raise _Refused("its host is not on the public internet")
        context = ssl.create_default_context() if target.scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            addresses[0], port, ssl=context, server_hostname=host if context else None, limit=_HEAD_BYTES
        )
        try:
            path = (target.path or "/") + (f"?{target.query}" if target.query else "")
            lines = (f"GET {path} HTTP/1.0", f"host: {host}", "accept: image/*", "", "")
            writer.write("\r\n".join(lines).encode("ascii"))
            return await self._read(reader)
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
        """HTTP/1.0, so the body ends with the connection or with its length, and is never in chunks."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except asyncio.LimitOverrunError:
            raise _Refused("its head is too large") from None
        words = head[0].split(" ", 2)
        if len(words) < 2 or not words[1].isdigit():
            raise _Refused("it is not answered in HTTP")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        most = self.limits.bytes
        if int(headers.get("content-length", "0")) > most:
            raise _Refused(f"it is larger than {most} bytes")
        body = bytearray()
        while piece := await reader.read(65536):
            body += piece
            if len(body) > most:
                raise _Refused(f"it is larger than {most} bytes")
        return int(words[1]), headers, bytes(body)
