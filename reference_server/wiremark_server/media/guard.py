"""Which addresses users may send the server to: public ones, so that nothing inside can be reached."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from wiremark_server.domain import problem
from wiremark_server.policy.fetching import is_public, resolve

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORTS = {"http": 80, "https": 443}
_NOWHERE = (".invalid", ".localhost", ".local", ".internal")


class Forbidden(Exception):  # noqa: N818 - what the address is
    """The address is not one that a request may be sent to."""


class Guard:
    """allowed: networks that are open although they are not public, as for tests"""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def check(self, url: str, param: str) -> None:
        """What can be said without asking for a name's addresses. Raises ProblemError."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise problem.invalid_request(f"Invalid value for '{param}': it is not a URL.", param) from None
        if parts.scheme not in _PORTS or not host:
            raise problem.invalid_request(
                f"Invalid value for '{param}': expected a URL of http or https.", param
            )
        if parts.username is not None or parts.password is not None:
            raise problem.invalid_request(
                f"Invalid value for '{param}': a URL with a user name is not used.", param
            )
        address = _literal(host)
        named_inside = host == "localhost" or host.endswith(_NOWHERE[1:])
        if (address is not None and not self.open(address)) or (named_inside and not self._allowed):
            raise problem.invalid_request(
                f"Invalid value for '{param}': the address is not a public one.", param
            )
        if port == 0:
            raise problem.invalid_request(f"Invalid value for '{param}': port 0 is none.", param)

    def open(self, address: Address) -> bool:
        """Whether a connection to it may be made."""
        mapped = getattr(address, "ipv4_mapped", None) or address
        if any(mapped.version == network.version and mapped in network for network in self._allowed):
            return True
        return is_public(str(address))

    async def lookup(self, host: str, port: int) -> list[str]:
        """Every address of a name; none for one that cannot have any."""
        if host.endswith(_NOWHERE[0]):
            return []
        try:
            return [str(ipaddress.ip_address(address)) for address in await resolve(host, port)]
        except (OSError, UnicodeError):
            return []

    async def resolve(self, url: str) -> tuple[str, int]:
        """The address and port to connect to, checked after the name was resolved: what is connected to is
        what was checked. Raises Forbidden."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        found = await self.lookup(host, port)
        if not found or not all(self.open(ipaddress.ip_address(address)) for address in found):
            raise Forbidden(f"{host} is not a public address")
        return found[0], port


def _literal(host: str) -> Address | None:
    """An address written in any way that a resolver understands, such as 127.1 or 0x7f000001."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return None
