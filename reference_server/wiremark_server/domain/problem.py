"""What can go wrong with a request, as values without a wire format.

A problem names a *situation*; which status, type and code that situation gets is the contract's
word (`errors` in the contract file), applied once in `dialects/errors.py`. The constructors below
are the only place where a problem's sentence is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal.

    situation:   key of the contract's `errors`
    message:     a sentence for the caller: what happened, where, what to do
    param:       JSON path of the offending field, such as `messages[0].content`
    allow:       methods for the Allow header of a 405
    headers:     further response headers that belong to the refusal
    retry_after: whole seconds after which a repeat may succeed
    final:       True when a repeat cannot succeed: clients are told not to retry
    """

    situation: str
    message: str
    param: str | None = None
    allow: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    retry_after: int | None = None
    final: bool = False


class ProblemError(Exception):
    """Carries a problem up to the one boundary that turns it into a response."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _error(
    situation: str,
    message: str,
    param: str | None = None,
    *,
    allow: tuple[str, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
    retry_after: int | None = None,
    final: bool = False,
) -> ProblemError:
    return ProblemError(Problem(situation, message, param, allow, headers, retry_after, final))


def missing_key(hint: str) -> ProblemError:
    return _error(
        "missing_key",
        f"You did not provide an API key. Send it as a header: `{hint}`.",
    )


def invalid_key() -> ProblemError:
    """Deliberately without the key: refusals end up in logs and reports."""
    return _error("invalid_key", "Incorrect API key provided: it is unknown or has been revoked.")


def key_disabled() -> ProblemError:
    return _error(
        "key_disabled", "This API key is disabled. Enable it where you manage your keys, then try again."
    )


def unknown_route(method: str, path: str) -> ProblemError:
    return _error("unknown_route", f"Invalid URL ({method} {path}): nothing is served at this path.")


def method_not_allowed(method: str, path: str, allow: Iterable[str]) -> ProblemError:
    methods = tuple(allow)
    return _error(
        "method_not_allowed",
        f"Not allowed to {method} on {path}; allowed: {', '.join(methods)}.",
        allow=methods,
    )


def headers_too_large(size: int, limit: int) -> ProblemError:
    return _error(
        "headers_too_large", f"The request's headers have {size} bytes; at most {limit} are accepted."
    )


def body_too_large(limit: int) -> ProblemError:
    return _error(
        "body_too_large",
        f"The request body is larger than the limit of {limit} bytes. Send a smaller request.",
        final=True,
    )


def unsupported_media_type(received: str) -> ProblemError:
    shown = repr(received) if received else "no content type"
    return _error(
        "unsupported_media_type",
        f"The body must be sent as 'application/json', the request has {shown}.",
        headers=(("accept", "application/json"),),
    )


def unsupported_encoding(received: str) -> ProblemError:
    return _error(
        "unsupported_media_type",
        f"The body is sent with content-encoding {received!r}; send it uncompressed.",
        headers=(("accept-encoding", "identity"),),
    )


def malformed_json(reason: str) -> ProblemError:
    return _error(
        "malformed_json",
        f"We could not parse the JSON body of your request: {reason}. "
        "Expected one JSON object, encoded as UTF-8.",
    )


def invalid_request(message: str, param: str | None = None) -> ProblemError:
    return _error("invalid_request", message, param)


def unknown_model(model: str) -> ProblemError:
    return _error(
        "unknown_model",
        f"The model {model!r} does not exist or you do not have access to it. "
        "The models route lists what your key may use.",
        "model",
    )


def model_not_allowed(model: str) -> ProblemError:
    return _error("model_not_allowed", f"This API key may not use the model {model!r}.", "model")


def tools_not_supported(model: str) -> ProblemError:
    return _error(
        "tools_not_supported",
        f"The model {model!r} does not support tools. Choose a model with tools, or leave them out.",
        "tools",
    )


def thinking_not_supported(model: str, param: str) -> ProblemError:
    return _error("invalid_request", f"The model {model!r} does not support extended thinking.", param)


def vision_not_supported(model: str, param: str) -> ProblemError:
    return _error("vision_not_supported", f"The model {model!r} does not accept images.", param)


def context_length_exceeded(
    limit: int, prompt: int, budget: int = 0, param: str = "messages"
) -> ProblemError:
    asked = f"your messages resulted in {prompt} tokens"
    if budget:
        asked = (
            f"you requested {prompt + budget} tokens ({prompt} in the messages, {budget} in the completion)"
        )
    return _error(
        "context_length_exceeded",
        # Clients look for one of two phrases to begin to shorten a conversation; both are here.
        f"The prompt is too long: this model's maximum context length is {limit} tokens. However, {asked}. "
        "Please reduce the length of the messages or completion.",
        param,
    )


def unknown_response(response_id: str) -> ProblemError:
    return _error("unknown_response", f"Response with id {response_id!r} not found.", "response_id")


def previous_response_not_found(response_id: str) -> ProblemError:
    return _error(
        "previous_response_not_found",
        f"Previous response with id {response_id!r} not found: it was never stored, or is not any more.",
        "previous_response_id",
    )


def rate_limited(scope: str, retry_after: int | None) -> ProblemError:
    again = f" Please try again in {retry_after}s." if retry_after else ""
    return _error("rate_limited", f"Rate limit reached on {scope}.{again}", retry_after=retry_after)


def insufficient_credits(held: int) -> ProblemError:
    return _error(
        "insufficient_credits",
        "The balance of your account does not cover this request. Add credit, then try again.",
        final=not held,
    )


def monthly_cap_reached(held: int) -> ProblemError:
    return _error(
        "monthly_cap_reached",
        "This API key has reached its monthly spending cap, which resets on the 1st of the month (UTC).",
        final=not held,
    )


def idempotency_mismatch() -> ProblemError:
    return _error(
        "idempotency_mismatch",
        "This Idempotency-Key was used with another request body. Repeat that body, or choose another key.",
        final=True,
    )


def idempotency_in_progress() -> ProblemError:
    return _error(
        "idempotency_in_progress",
        "The first request with this Idempotency-Key is still being answered. Repeat it a little later.",
        retry_after=1,
    )


def server_error(request_id: str) -> ProblemError:
    return _error(
        "server_error",
        "The server had an error while processing your request. "
        f"Retry it, and name the request id {request_id} if it keeps failing.",
    )


def no_worker(model: str) -> ProblemError:
    return _error(
        "no_worker",
        f"No worker is available for the model {model!r} at the moment. The models route tells which models "
        "are available; try again later, or choose one of those.",
        "model",
    )


def wrong_format(model: str, asked: str, served: Iterable[str]) -> ProblemError:
    return _error(
        "invalid_request",
        f"The model {model!r} is not served in the format of {asked}; it is served in: "
        f"{', '.join(sorted(served))}. The lists of models tell which format each one has.",
        "model",
    )


def unknown_task(task_id: str) -> ProblemError:
    return _error("unknown_route", f"There is no task {task_id!r}, or nothing to fetch of it yet.")


def unknown_provider(name: str) -> ProblemError:
    return _error("unknown_route", f"There is no provider {name!r}; the providers route lists them.")


def provider_failed(model: str) -> ProblemError:
    return _error("server_error", f"The provider that was answering for {model!r} failed before the end.")


def worker_failed(model: str) -> ProblemError:
    return _error(
        "server_error",
        f"The worker that was answering for {model!r} failed before the end. Repeat the request.",
    )


def draining() -> ProblemError:
    return _error(
        "overloaded", "The server is about to end and takes no more requests; try again.", retry_after=1
    )


def worker_away(number: str) -> ProblemError:
    return _error(
        "overloaded",
        f"The server process of worker {number} does not answer; it may be starting again. "
        "Nothing was changed: repeat it a little later.",
        retry_after=1,
    )


def overloaded() -> ProblemError:
    return _error("overloaded", "The server cannot take requests at the moment.", retry_after=1)


def no_hold(reason: str, held: int) -> ProblemError:
    """The problem for a reason that the ledger refuses a hold with.

    held: µUSD that other open requests keep back; while there are any, a repeat may succeed
    """
    return _NO_HOLD[reason](held)


_NO_HOLD: Mapping[str, Callable[[int], ProblemError]] = {
    "insufficient_credits": insufficient_credits,
    "monthly_cap_reached": monthly_cap_reached,
    "key_inactive": lambda _: invalid_key(),
    "idempotency_mismatch": lambda _: idempotency_mismatch(),
    "idempotency_in_progress": lambda _: idempotency_in_progress(),
}
