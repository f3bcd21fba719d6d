"""Server-sent events between the gateway's encoder and the wire: taken apart, changed, put together again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

_END = b"\n\n"
_DATA = b"data: "
_json = msgspec.json.Encoder().encode
_parse = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as the encoder made it.

    value:  the JSON value of its data; None when `text` is set
    text:   data that is not JSON, such as the terminator
    fields: the lines before the data, each with its end: `event: …`
    raw:    when set, the very bytes that go out instead
    after:  seconds that pass before it goes out
    """

    value: Any = None
    text: bytes | None = None
    fields: bytes = b""
    raw: bytes | None = None
    after: float = 0.0

    @property
    def data(self) -> bytes:
        """What stands after `data: `."""
        return _json(self.value) if self.text is None else self.text

    def encode(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return self.fields + _DATA + self.data + _END

    def with_value(self, value: Any) -> Frame:
        return replace(self, value=value, text=None)

    def with_text(self, text: bytes) -> Frame:
        return replace(self, value=None, text=text)


class FrameReader:
    """Cuts the encoder's output into frames. Knows only what our encoders write: LF, one data line."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        *whole, self._rest = (self._rest + data).split(_END)
        return [_frame(block) for block in whole]


def _frame(block: bytes) -> Frame:
    head, mark, data = block.partition(_DATA)
    if not mark or (head and not head.endswith(b"\n")):
        return Frame(raw=block + _END)
    try:
        return Frame(value=_parse(data), fields=head)
    except msgspec.DecodeError:
        return Frame(text=data, fields=head)
