"""A request once its dialect has read it: what the policies look at and the engine is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from wiremark_server.domain.generation import Generation

Framing = Literal["events", "array"]
"""Server-sent events, or the elements of one JSON array."""


class Asked(Struct, frozen=True):
    """generation:      what the engine is asked for; `max_tokens` only what the client said
    stream:          answer as an event stream
    include_usage:   end the stream with the token counts
    image_param:     JSON path of the first image, None without images
    tool_bearing:    tools or their results take part, so the answer must not come from a cache
    output_param:    JSON path of what asks for a form of output, such as JSON
    reasoning_param: JSON path of what insists on reasoning, None when the model may do without
    hide_reasoning:  the answer does not show what the reasoning says
    framing:         how the pieces of a stream are told apart
    echo:            each choice repeats its prompt before what follows it
    seal_reasoning:  the answer carries the reasoning in a form that only the server reads
    settings:        of the request, as the answer repeats them, in the terms of its format
    """

    generation: Generation
    stream: bool
    include_usage: bool
    image_param: str | None
    tool_bearing: bool
    output_param: str = "response_format"
    reasoning_param: str | None = None
    hide_reasoning: bool = False
    framing: Framing = "events"
    echo: bool = False
    seal_reasoning: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
