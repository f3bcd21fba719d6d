"""Who is signed in: a cookie that says so itself, sealed, so that every process of the server can read it.

A token names a subject and is sealed together with a proof that belongs to the subject, the digest of its
secret. So a key that gets another secret, or a server that starts anew, ends its sessions without a list.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from wiremark_server.clock import Clock

SECONDS = 8 * 3600
"""How long a session lasts."""


@dataclass(frozen=True, slots=True)
class Session:
    """subject: whom the token names; form: what the session's own forms carry, and no other site can know"""

    subject: str
    form: str


class Sessions:
    """secret: of the server, at least 32 random bytes; the same in all of its processes"""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, subject: str, proof: bytes) -> str:
        """A token for a subject without dots, good for SECONDS."""
        said = f"{subject}.{int(self._clock.now()) + SECONDS}.{secrets.token_hex(16)}"
        return f"{said}.{self._seal('session', said.encode() + proof)}"

    def read(self, token: str, proof: Callable[[str], bytes | None]) -> Session | None:
        """The session of a token that was issued here, is not too old, and whose subject has that proof.

        proof: of a subject; None when there is no such subject any more
        """
        said, _, seal = token.rpartition(".")
        subject, _, rest = said.partition(".")
        expires = rest.partition(".")[0]
        found = proof(subject)
        genuine = hmac.compare_digest(
            self._seal("session", said.encode("utf-8", "replace") + (found or b"")).encode(),
            seal.encode("utf-8", "replace"),
        )
        if found is None or not genuine or int(expires) < self._clock.now():
            return None
        return Session(subject, self._seal("form", token.encode()))

    def _seal(self, purpose: str, said: bytes) -> str:
        return hmac.new(self._secret, f"{purpose}|".encode() + said, hashlib.sha256).hexdigest()
