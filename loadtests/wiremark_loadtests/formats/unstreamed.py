"""What a format that never streams says to all that is asked of streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_loadtests.formats.base import Broken, Tokens


class Unstreamed:
    """named: the contract's name for asking so; what: what is asked for, in the plural"""

    headers: tuple[str, ...] = ()
    stream_query = ""
    named: str
    what: str

    def operation(self, *, stream: bool) -> str:  # noqa: ARG002  never streamed
        return self.named

    def contents(self, payloads: list[bytes]) -> list[bytes]:  # noqa: ARG002  never streamed
        raise Broken(f"broken-stream:{self.what}-do-not-stream")

    def usage(self, payloads: Sequence[bytes]) -> Tokens | None:  # noqa: ARG002  never streamed
        return None

    def bears_token(self, event: Mapping[str, Any]) -> bool:  # noqa: ARG002  never streamed
        return False

    def check(self, payloads: Sequence[bytes]) -> None:
        """Never streamed."""

    def glance(self, body: bytes) -> Tokens | None:  # noqa: ARG002  always decoded
        return None
