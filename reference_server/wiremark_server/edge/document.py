"""The body of a request as a JSON object, or the problem with it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from wiremark_server.domain import problem

MAX_DEPTH = 128  # deeper than any schema or tool argument in use; shallow enough for every recursive reader
_decode = msgspec.json.Decoder().decode


def media_type(header: str | None) -> str:
    """The bare media type of a content-type header, in lower case."""
    return (header or "").split(";", 1)[0].strip().lower()


@lru_cache(maxsize=64)
def check_media(content_type: str | None, content_encoding: str | None) -> None:
    """Refuse what cannot be JSON text: another media type, another charset, a compressed body."""
    if media_type(content_type) != "application/json":
        raise problem.unsupported_media_type(content_type or "")
    for parameter in (content_type or "").lower().split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise problem.unsupported_media_type(content_type or "")
    if content_encoding is not None and content_encoding.lower() != "identity":
        raise problem.unsupported_encoding(content_encoding)


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Of duplicate names the last one wins.

    Raises ProblemError for anything that is not exactly one object of moderate depth.
    """
    try:
        document = _decode(body)
    except UnicodeDecodeError:
        raise problem.malformed_json("it is not valid UTF-8") from None
    except RecursionError:
        raise problem.malformed_json(f"it is nested more than {MAX_DEPTH} levels deep") from None
    except msgspec.DecodeError as error:
        reason = str(error).removeprefix("JSON is malformed: ").removesuffix(" - at `$[...]`")
        raise problem.malformed_json("it is empty" if not body else reason) from None
    if not isinstance(document, dict):
        raise problem.malformed_json("its top level is not an object")
    # Brackets inside of strings count too, so this only decides whether the exact walk is needed.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _too_deep(document):
        raise problem.malformed_json(f"it is nested more than {MAX_DEPTH} levels deep")
    return document


def _too_deep(document: dict[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            children = node.values() if isinstance(node, dict) else node
            below.extend(child for child in children if isinstance(child, dict | list))
        if not below:
            return False
        level = below
    return True
