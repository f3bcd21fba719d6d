"""OpenAI Embeddings, which never stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_loadtests.formats.base import Ask, Tokens
from wiremark_loadtests.formats.unstreamed import Unstreamed


class Embeddings(Unstreamed):
    named = "embeddings.create"
    what = "embeddings"

    def body(self, ask: Ask) -> dict[str, Any]:
        return {"model": ask.model, "input": ask.prompt}

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        told = document.get("usage")
        prompt = told.get("prompt_tokens") if isinstance(told, dict) else None
        tokens = (prompt, 0) if isinstance(prompt, int) and prompt >= 0 else None
        match document.get("data"):
            case [{"embedding": list() | str()}, *_]:
                return tokens, ""
        return tokens, "broken-answer:no-embedding"
