"""Reasoning that travels with the client: sealed, so that only this server reads it, and cannot be altered.

A seal is base64 of a mark, a nonce, the text under a key stream, and a MAC over all of it. One with another
mark was made elsewhere: conversations move between providers, and nothing can be said about it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_MARK = b"wr1"
_NONCE = 12
_MAC = 16
_BLOCK = 64


class Seals:
    """Seals with keys made of `secret`; the same secret, text and nonce give the same seal."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"wm.reasoning").digest()
        self._mac_key = hashlib.blake2b(secret, digest_size=32, person=b"wm.reason.mac").digest()

    def seal(self, text: str, name: str) -> str:
        """name: what makes the seal differ from another one of the same text, such as an item's id"""
        nonce = hashlib.blake2b(name.encode(), digest_size=_NONCE, key=self._key).digest()
        body = _MARK + nonce + self._mixed(text.encode("utf-8", "surrogatepass"), nonce)
        return base64.b64encode(body + self._mac(body)).decode()

    def altered(self, sealed: str) -> bool:
        """Whether it has our mark and is not as we made it."""
        try:
            raw = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            return False
        if not raw.startswith(_MARK):
            return False
        return not hmac.compare_digest(raw[-_MAC:], self._mac(raw[:-_MAC]))

    def opened(self, sealed: str) -> str:
        """The text in a seal that is not altered."""
        raw = base64.b64decode(sealed)
        start = len(_MARK) + _NONCE
        return self._mixed(raw[start:-_MAC], raw[len(_MARK) : start]).decode("utf-8", "surrogatepass")

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._mac_key, body, "sha256")[:_MAC]

    def _mixed(self, text: bytes, nonce: bytes) -> bytes:
        blocks = range(-(-len(text) // _BLOCK))
        stream = b"".join(
            hashlib.blake2b(nonce + block.to_bytes(4, "big"), digest_size=_BLOCK, key=self._key).digest()
            for block in blocks
        )
        return bytes(a ^ b for a, b in zip(text, stream, strict=False))
