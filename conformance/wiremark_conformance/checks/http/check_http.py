"""What holds for every operation."""

from __future__ import annotations

from fnmatch import fnmatchcase

from wiremark_conformance.checking import check, each, tolerated
from wiremark_conformance.evidence import View, repeated_name
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes import PROBES
from wiremark_conformance.values import shown

_GEMINI = (
    "gemini.plain",
    "gemini.count",
    "gemini.embed",
    "gemini.embed.batch",
    "gemini.models.list",
    "gemini.models.get",
)
# Some answer without a body, or with a page or a table; what an SDK or a generator asks differs with the run.
_OTHERWISE = ("http.head", "cors.*", "providers.page", "billing.export", "sdk.*", "properties.*")
_ANSWERS = tuple(name for name in PROBES if not any(fnmatchcase(name, pattern) for pattern in _OTHERWISE))
_POSTS = (
    "chat.plain",
    "chat.stream",
    "chat.tools.forced",
    "errors.malformed-json",
    "errors.unknown-model",
    "responses.plain",
    "responses.stream",
)
_GOOD = (
    "models.list",
    "chat.plain",
    "chat.stream",
    "completions.plain",
    "embeddings.plain",
    "responses.plain",
    "responses.stream",
    *_GEMINI,
    "gemini.stream",
)


def _not_streamed(view: View) -> None:
    """Raises NotTestable where something else than one JSON object was asked for."""
    if view.asks_stream:
        raise NotTestable("a stream was asked for")


@each("http.json-content-type", *_ANSWERS)
def json_content_type(view: View) -> Outcome:
    _not_streamed(view)
    if view.media_type == "application/json":
        return None
    found = shown(view.header("content-type"))
    return f"the content-type is {found}; openai-node then gives text, not an object"


@each("http.json-body", *_ANSWERS)
def json_body(view: View) -> Outcome:
    _not_streamed(view)
    return f"the body is not JSON: {view.json_defect}" if view.json_defect else None


@each("http.json-object", *_ANSWERS)
def json_object(view: View) -> Outcome:
    _not_streamed(view)
    if view.json_defect:
        raise NotTestable("the body is not JSON")
    return None if isinstance(view.value, dict) else f"the body is {shown(view.value)}, not an object"


@each(
    "http.complete",
    "models.list",
    "chat.plain",
    "completions.plain",
    "embeddings.plain",
    "responses.plain",
    "errors.malformed-json",
    "errors.unknown-route",
    expects="transport",
)
def complete(view: View) -> Outcome:
    return view.exchange.failure.message if view.exchange.failure else None


@each("http.no-redirect", *_POSTS, expects="any")
def no_redirect(view: View) -> Outcome:
    return f"POST is redirected by {view.status_line}" if view.status in {301, 302, 303} else None


@each("http.status-200", *_GOOD)
def status_200(view: View) -> Outcome:
    return None if view.status == 200 else f"answered {view.status_line}"


@check("http.unknown-headers", "models.list", "models.get", expects="any")
def unknown_headers(usual: View, with_headers: View) -> Outcome:
    if not usual.succeeded:
        raise NotTestable("the plain request is refused too")
    if with_headers.status in {400, 406, 422, 431, 500}:
        return f"with the headers of an SDK the answer is {with_headers.status_line}{with_headers.error_text}"
    return None


@check("http.unknown-query", "models.list", "http.query", expects="any")
def unknown_query(usual: View, with_query: View) -> Outcome:
    if not usual.succeeded:
        raise NotTestable("the plain request is refused too")
    if with_query.succeeded:
        return None
    return f"with a query that nobody knows the answer is {with_query.status_line}{with_query.error_text}"


tolerated("http.large-headers", "http.large-header")


@check("http.head", "models.list", "http.head", expects="any")
def head(get: View, view: View) -> Outcome:
    if view.status != get.status:
        return f"HEAD was answered {view.status_line}, GET {get.status_line}"
    return "HEAD was answered with a body" if view.exchange.body else None


@each("http.unique-names", *_ANSWERS)
def unique_names(view: View) -> Outcome:
    _not_streamed(view)
    found = repeated_name(view.text)
    return f"the name {shown(found)} stands twice in one object" if found is not None else None
