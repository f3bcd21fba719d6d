"""Parameters that several operations of this dialect share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_server.domain import problem


def streaming(document: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether to stream, and whether to end the stream with usage."""
    stream = bool(document.get("stream"))
    options = document.get("stream_options")
    if options is not None and not stream:
        raise problem.invalid_request(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"
        )
    return stream, bool(options and options.get("include_usage"))


def stop_sequences(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    sequences = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if "" in sequences:
        raise problem.invalid_request("Invalid value for 'stop': a stop sequence cannot be empty.", "stop")
    return sequences
