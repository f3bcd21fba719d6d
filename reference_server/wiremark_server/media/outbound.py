"""Requests that the server makes to addresses its users named: to what was checked, and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from wiremark_server.media.guard import Forbidden, Guard

_TIMEOUT_SECONDS = 10.0


def secret(key_digest: bytes) -> bytes:
    """What webhooks of a key are signed with. Its owner derives it from the key itself, and nobody else can:
    HMAC-SHA256 with the SHA-256 of the API key as the key, over `wiremark webhook`."""
    return hmac.new(key_digest, b"wiremark webhook", hashlib.sha256).digest()


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The three headers of Standard Webhooks."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class Outbound:
    """Connects to the address that the guard has seen, under the name that the URL has; follows nobody."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int | None:
        """The status; None when there was none, or nobody may be asked."""
        # The HTTP client takes as long to import as half of the server, and only webhooks need it here.
        import httpx

        try:
            address, port = await self._guard.resolve(url)
            parts = urlsplit(url)
            shown = f"[{address}]" if ":" in address else address
            pinned = urlunsplit((parts.scheme, f"{shown}:{port}", parts.path or "/", parts.query, ""))
            named = {**headers, "host": parts.netloc}
            async with httpx.AsyncClient(
                timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
            ) as client:
                request = client.build_request("POST", pinned, headers=named, content=body)
                request.extensions["sni_hostname"] = parts.hostname or ""
                response = await client.send(request, stream=True)
                await response.aclose()
                return response.status_code
        except (Forbidden, httpx.HTTPError, httpx.InvalidURL, ValueError):
            return None
