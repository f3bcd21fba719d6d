"""OpenAI Embeddings, which never stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_loadtests.formats.base import Ask, Broken, Tokens


class Embeddings:
    headers: tuple[str, ...] = ()
    stream_query = ""

    def operation(self, *, stream: bool) -> str:  # noqa: ARG002  never streamed
        return "embeddings.create"

    def body(self, ask: Ask) -> dict[str, Any]:
        return {"model": ask.model, "input": ask.prompt}

    def contents(self, payloads: list[bytes]) -> list[bytes]:  # noqa: ARG002  never streamed
        raise Broken("broken-stream:embeddings-do-not-stream")

    def usage(self, payloads: Sequence[bytes]) -> Tokens | None:  # noqa: ARG002  never streamed
        return None

    def bears_token(self, event: Mapping[str, Any]) -> bool:  # noqa: ARG002  never streamed
        return False

    def check(self, payloads: Sequence[bytes]) -> None:
        """Never streamed."""

    def glance(self, body: bytes) -> Tokens | None:  # noqa: ARG002  always decoded
        return None

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        told = document.get("usage")
        prompt = told.get("prompt_tokens") if isinstance(told, dict) else None
        tokens = (prompt, 0) if isinstance(prompt, int) and prompt >= 0 else None
        match document.get("data"):
            case [{"embedding": list() | str()}, *_]:
                return tokens, ""
        return tokens, "broken-answer:no-embedding"
