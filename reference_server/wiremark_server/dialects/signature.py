"""Signatures of what a model thought: opaque to clients, and proof that it comes back as it was sent.

A signature is the base64 of a mark, four bytes that name the signing key, and an HMAC-SHA256 of the thinking.
One with another mark or key was made elsewhere, so nothing can be said about it: conversations move between
providers, and such blocks are taken as they are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_MARK = b"wm1"
_KEY_NAME = 4  # bytes
_MAC = 32


class Signatures:
    """Signs with a key made of `secret`; the same secret, the same signatures."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"wm.thinking").digest()
        self._head = _MARK + hashlib.blake2b(self._key, digest_size=_KEY_NAME).digest()

    def sign(self, thinking: str) -> str:
        return base64.b64encode(self._head + self._mac(thinking)).decode()

    def altered(self, thinking: str, signature: str) -> bool:
        """Whether the signature is of ours and does not belong to this thinking."""
        try:
            raw = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        if not raw.startswith(self._head) or len(raw) != len(self._head) + _MAC:
            return False
        return not hmac.compare_digest(raw[len(self._head) :], self._mac(thinking))

    def _mac(self, thinking: str) -> bytes:
        return hmac.digest(self._key, thinking.encode("utf-8", "surrogatepass"), "sha256")
