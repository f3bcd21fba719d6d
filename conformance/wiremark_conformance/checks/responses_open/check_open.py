"""Open Responses: events named, ended by [DONE], whole resources, errors of known types."""

from __future__ import annotations

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.chat_stream.check_framing import no_id
from wiremark_conformance.checks.responses import REFUSED, WHOLE
from wiremark_conformance.checks.responses_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.probes.responses_tools import OTHER_TOOL
from wiremark_conformance.responses import items, response
from wiremark_conformance.values import shown

ERROR_TYPES = ("server_error", "invalid_request", "not_found", "model_error", "too_many_requests")
RESOURCE = (
    *("id", "object", "created_at", "completed_at", "status", "incomplete_details", "model"),
    *("previous_response_id", "instructions", "output", "error", "tools", "tool_choice", "truncation"),
    *("parallel_tool_calls", "text", "top_p", "temperature", "top_logprobs", "reasoning", "usage"),
    *("max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata"),
)

each("responses.open.no-ids", *STREAMS, expects="stream")(no_id)


@each("responses.open.named", *STREAMS, expects="stream")
def named(view: View) -> Outcome:
    for frame in view.before_done:
        kind = frame.value.get("type") if isinstance(frame.value, dict) else None
        if frame.event.event != kind:
            return f"the event {shown(kind)} is named {shown(frame.event.event)}"
    return None


@each("responses.open.done", *STREAMS, expects="stream")
def done(view: View) -> Outcome:
    return None if view.frames and view.frames[-1].text == "[DONE]" else "the stream does not end with [DONE]"


@each("responses.open.resource", *WHOLE)
def resource(view: View) -> Outcome:
    missing = [name for name in RESOURCE if name not in view.object]
    return f"the response has no {', '.join(f'`{name}`' for name in missing)}" if missing else None


@each("responses.open.error-types", *REFUSED, expects="error")
def error_types(view: View) -> Outcome:
    found = view.envelope.get("type")
    return None if found in ERROR_TYPES else f"`error.type` is {shown(found)}"


@each("responses.open.incomplete-last", "responses.max-tokens", "responses.max-tokens.stream")
def incomplete_last(view: View) -> Outcome:
    statuses = [item.get("status") for item in items(view)]
    if response(view).get("status") == "incomplete" and "incomplete" in statuses[:-1]:
        return "an item after an incomplete one"
    return None


@check("responses.open.allowed-tools", "responses.tools.allowed")
def allowed_tools(view: View) -> Outcome:
    others = [item.get("name") for item in items(view, "function_call") if item.get("name") != OTHER_TOOL]
    return f"{shown(others[0])} is called, which is not among the allowed tools" if others else None
