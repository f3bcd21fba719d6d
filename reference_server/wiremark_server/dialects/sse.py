"""JSON that is safe inside of an event stream."""

from __future__ import annotations

from typing import Any

import msgspec

_json = msgspec.json.Encoder().encode
# Lines for parsers older than the standard's: these three end a line in some clients.
_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


def encode(value: Any) -> bytes:
    """A value as JSON on one line, by every reader's idea of a line."""
    text = _json(value)
    if text.isascii():
        return text
    for raw, escaped in _LINE_ENDS:
        text = text.replace(raw, escaped)
    return text
