"""The base URL a person gives, taken apart and refused early when it cannot work."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

Scheme = Literal["http", "https"]

_SCHEMES: dict[str, Scheme] = {"http": "http", "https": "https"}
_DEFAULT_PORTS: dict[Scheme, int] = {"http": 80, "https": 443}
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BAD_CHARACTER = re.compile(r"[\x00-\x20\x7f\\]")
_EXAMPLE = "such as http://127.0.0.1:8000/v1"


class BadBaseUrl(ValueError):  # noqa: N818 - the name is part of the interface
    """A base URL cannot be used; the text says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go.

    host:      an ASCII name (IDNA applied) or an address, IPv6 without its brackets
    base_path: percent-encoded, without a slash at its end; "" for the root
    """

    scheme: Scheme
    host: str
    port: int
    base_path: str = ""

    @classmethod
    def parse(cls, base_url: str) -> Endpoint:
        """Take a base URL apart.

        Raises BadBaseUrl; its text never repeats a user name or password from the URL.
        """
        url = base_url.strip()
        if not url:
            raise BadBaseUrl(f"the base URL is empty; give one {_EXAMPLE}")
        if "@" in re.split(r"[/?#]", url.split("://")[-1], maxsplit=1)[0]:
            raise BadBaseUrl("the base URL holds a user name or password; give the key by --api-key instead")
        bare = re.split(r"[?#]", url, maxsplit=1)[0]
        if bare != url:
            raise BadBaseUrl(f"the base URL {bare!r} goes on with a query or a fragment; leave that out")
        if _BAD_CHARACTER.search(url):
            raise BadBaseUrl(f"the base URL {url!r} holds a space, a backslash or a control character")
        if not _HAS_SCHEME.match(url):
            raise BadBaseUrl(f"the base URL {url!r} has no scheme; did you mean {_suggest(url)}?")
        try:
            pieces = urlsplit(url)
            port = pieces.port
        except ValueError as error:
            raise BadBaseUrl(f"the base URL {url!r} is not a URL: {error}") from None
        scheme = _SCHEMES.get(pieces.scheme)
        if scheme is None:
            raise BadBaseUrl(f"the base URL {url!r} has the scheme {pieces.scheme!r}; use http or https")
        if not pieces.hostname:
            raise BadBaseUrl(f"the base URL {url!r} names no host; give one {_EXAMPLE}")
        if port == 0:
            raise BadBaseUrl(f"the base URL {url!r} has port 0, which nothing can listen on")
        return cls(
            scheme=scheme,
            host=_ascii_host(pieces.hostname, url),
            port=_DEFAULT_PORTS[scheme] if port is None else port,
            base_path=quote(pieces.path.rstrip("/"), safe="/%:@!$&'()*+,;=~"),
        )

    @property
    def authority(self) -> str:
        """Host and port for people, the port always shown."""
        return f"{self._bracketed}:{self.port}"

    @property
    def host_header(self) -> str:
        """Host and port as the Host header has them: the scheme's own port left out."""
        return self._bracketed if self.port == _DEFAULT_PORTS[self.scheme] else self.authority

    @property
    def origin(self) -> str:
        """Scheme, host and port as in a URL."""
        return f"{self.scheme}://{self.host_header}"

    @property
    def url(self) -> str:
        """The base URL in its one normal form."""
        return self.origin + self.base_path

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def _suggest(url: str) -> str:
    rest = url.lstrip(":/")
    host = urlsplit(f"//{rest}").netloc
    local = host.startswith(("localhost", "127.", "[", "10.", "192.168.")) or ":" in host
    return f"{'http' if local else 'https'}://{rest}"


def _ascii_host(host: str, url: str) -> str:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise BadBaseUrl(f"the base URL {url!r} has an IPv6 address that is not one") from None
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadBaseUrl(f"the base URL {url!r} names a host that cannot be a domain name") from None
