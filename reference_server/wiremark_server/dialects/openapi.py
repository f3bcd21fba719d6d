"""A contract as an OpenAPI 3.1 document: every route, its bodies by their schemas, its problems by status."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from posixpath import dirname, join, normpath
from typing import Any

from wiremark_schemas import registry
from wiremark_schemas.contracts import Contract, Dialect, Problem

_COMPONENTS = "#/components/schemas/"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_JSON, _EVENTS = "application/json", "text/event-stream"


@dataclass(frozen=True, slots=True)
class _Route:
    """What an operation takes and gives, as names of schemas.

    answer: `*` stands for the dialects of the contract
    events: of one event of a stream, where the answer may be one
    query:  parameters of the query string, name → schema
    public: no key is asked for
    media:  type of the answer; texts and images have no schema
    """

    summary: str
    request: str | None = None
    answer: str | None = None
    events: str | None = None
    query: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    public: bool = False
    status: int = 200
    media: str = "application/json"


_PAGE = (("limit", {"type": "integer", "minimum": 1, "maximum": 1000}), ("after", {"type": "string"}))
_ROUTES: Mapping[str, _Route] = {
    "models.list": _Route("List the models that the key may use", answer="*/models.list"),
    "models.get": _Route("One model", answer="*/model"),
    "chat.create": _Route(
        "Answer a conversation", "openai/chat.request", "openai/chat.response", "openai/chat.chunk"
    ),
    "completions.create": _Route(
        "Go on with a text",
        "openai/completions.request",
        "openai/completions.response",
        "openai/completions.chunk",
    ),
    "embeddings.create": _Route(
        "Make vectors of texts", "openai/embeddings.request", "openai/embeddings.response"
    ),
    "gemini.generate": _Route("Answer contents", "gemini/generate.request", "gemini/generate.response"),
    "gemini.stream": _Route(
        "Answer contents in pieces",
        "gemini/generate.request",
        "gemini/generate.response",
        "gemini/generate.response",
    ),
    "gemini.count_tokens": _Route(
        "Count the tokens of contents", "gemini/count_tokens.request", "gemini/count_tokens.response"
    ),
    "gemini.embed": _Route("Make a vector of a content", "gemini/embed.request", "gemini/embed.response"),
    "gemini.batch_embed": _Route(
        "Make vectors of contents", "gemini/batch_embed.request", "gemini/batch_embed.response"
    ),
    "messages.create": _Route(
        "Answer a conversation",
        "anthropic/messages.request",
        "anthropic/messages.response",
        "anthropic/messages.event",
    ),
    "messages.count_tokens": _Route(
        "Count the tokens of a conversation", "anthropic/messages.request", "anthropic/count_tokens"
    ),
    "responses.create": _Route(
        "Answer a conversation",
        "openai/responses.request",
        "openai/responses.response",
        "openai/responses.event",
    ),
    "responses.input_tokens": _Route(
        "Count the tokens of a conversation", "openai/responses.request", "openai/responses.input_tokens"
    ),
    "responses.get": _Route(
        "A stored response",
        answer="openai/responses.response",
        events="openai/responses.event",
        query=(("stream", {"type": "boolean"}), ("starting_after", {"type": "integer", "minimum": 0})),
    ),
    "responses.delete": _Route("Forget a response", answer="openai/responses.deleted"),
    "responses.cancel": _Route("Stop a response in the background", answer="openai/responses.response"),
    "responses.input_items": _Route(
        "The input of a stored response",
        answer="openai/responses.input_items",
        query=(
            ("limit", {"type": "integer", "minimum": 1, "maximum": 100}),
            ("after", {"type": "string"}),
            ("order", {"enum": ["asc", "desc"]}),
        ),
    ),
    "models.list.responses": _Route("List the models of Responses", answer="openai/models.list"),
    "models.list.messages": _Route("List the models of Messages", answer="anthropic/models.list"),
    "usage.export": _Route("What the key has used, as CSV", media="text/csv"),
    "usage.list": _Route("What the key has used, newest first", answer="meta/usage-list", query=_PAGE),
    "balance.get": _Route("What the account still has", answer="meta/balance"),
    "images.create": _Route("Ask for an image", "media/images.request", "media/task", status=202),
    "tasks.get": _Route("How a task does", answer="media/task"),
    "files.get": _Route("The image of a task", public=True, media="image/png"),
    "providers.list": _Route("How each provider does", answer="meta/providers"),
    "providers.page": _Route("Health, latency and prices as a page", public=True, media="text/html"),
    "providers.latency": _Route("What requests to a provider took", answer="meta/latency-history"),
    "prices.list": _Route(
        "Every offer, to compare prices", answer="meta/price-list", query=(("model", {"type": "string"}),)
    ),
    "openapi.get": _Route("This description", public=True),
}
_PLAIN = _Route("")
_NUMBERED = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "code"],
            "properties": {"message": {"type": "string"}, "code": {"type": ["integer", "string", "null"]}},
        }
    },
}
"""Of contracts whose errors have numbers for codes, which OpenAI's have not."""
_SECURITY: Mapping[str, Mapping[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "x-goog-api-key": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
}


def describe(contract: Contract, mount: str = "") -> dict[str, Any]:
    """The whole document, for a server below the path `mount`. It refers to nothing outside of itself."""
    schemes: list[str] = contract.raw["auth"]["schemes"]
    schemas = _Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation, entry in contract.raw["operations"].items():
        for number, path in enumerate(entry["paths"]):
            described = _operation(contract, operation, path, schemas)
            described["operationId"] = operation if not number else f"{operation}.{number + 1}"
            paths.setdefault(path, {})[entry["method"].lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": contract.raw["title"], "version": version("wiremark")},
        "servers": [{"url": mount + contract.base_path or "/"}],
        "security": [{scheme: []} for scheme in schemes],
        "paths": paths,
        "components": {
            "securitySchemes": {scheme: _SECURITY[scheme] for scheme in schemes},
            "schemas": schemas.found,
        },
    }


def _operation(contract: Contract, operation: str, path: str, schemas: _Schemas) -> dict[str, Any]:
    route = _ROUTES.get(operation, _PLAIN)
    content = {route.media: _schema(contract, route, schemas)}
    if route.events:
        content[_EVENTS] = {"schema": {"type": "string"}, "x-event-schema": schemas.refer(route.events)}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACEHOLDER.findall(path)
    ] + [{"name": name, "in": "query", "schema": schema} for name, schema in route.query]
    return {
        "summary": route.summary or operation,
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": _body(schemas.refer(route.request))} if route.request else {}),
        **({"security": []} if route.public else {}),
        "responses": {
            str(route.status): {"description": "Success", "content": content},
            **_problems(contract, operation, schemas),
        },
    }


def _schema(contract: Contract, route: _Route, schemas: _Schemas) -> dict[str, Any]:
    """Of the answer, in whichever dialect it is told."""
    if route.media != _JSON:
        return {}
    if route.answer is None or not route.answer.startswith("*"):
        return {"schema": schemas.refer(route.answer)}
    told = [schemas.refer(dialect + route.answer[1:]) for dialect in sorted(contract.dialects)]
    return {"schema": _any(told)}


def _body(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {_JSON: {"schema": schema}}}


def _problems(contract: Contract, operation: str, schemas: _Schemas) -> dict[str, Any]:
    """The envelope by status, with the situations that a status stands for.

    An operation that several dialects share answers each in its own, which a request's headers tell.
    """
    own = contract.dialect_of(operation)
    situations: dict[str, dict[str, None]] = {}
    envelopes: dict[str, list[Mapping[str, Any]]] = {}
    for dialect in sorted(contract.dialects) if own is None else [own]:
        answers = contract.answers(dialect)
        envelope = _envelope(dialect, answers, schemas)
        for name, answer in answers.items():
            status = str(answer.status)
            situations.setdefault(status, {})[name] = None
            if envelope not in envelopes.setdefault(status, []):
                envelopes[status].append(envelope)
    return {
        status: {"description": ", ".join(names), "content": {_JSON: {"schema": _any(envelopes[status])}}}
        for status, names in sorted(situations.items())
    }


def _envelope(dialect: Dialect, answers: Mapping[str, Problem], schemas: _Schemas) -> Mapping[str, Any]:
    if dialect == "openai" and any(isinstance(answer.code, int) for answer in answers.values()):
        return _NUMBERED
    return schemas.refer(f"{dialect}/error")


def _any(schemas: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


class _Schemas:
    """Schemas of the registry that are referred to, as components; references lead from one to the next."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def refer(self, name: str | None) -> dict[str, Any]:
        if name is None or name not in registry.names():
            return {"type": "object"}
        component = name.replace("/", ".")
        if component not in self.found:
            self.found[component] = {}  # known before it is complete: schemas may refer in circles
            document = registry.load(name)
            self.found[component] = {
                key: self._moved(value, name)
                for key, value in document.items()
                if key not in {"$schema", "$id"}
            }
        return {"$ref": _COMPONENTS + component}

    def _moved(self, node: Any, home: str) -> Any:
        """A copy whose references point into this document; `home` is the schema that they stand in."""
        if isinstance(node, list):
            return [self._moved(entry, home) for entry in node]
        if not isinstance(node, dict):
            return node
        return dict(self._entries(node, home))

    def _entries(self, node: Mapping[str, Any], home: str) -> Iterator[tuple[str, Any]]:
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                file, _, pointer = value.partition("#")
                name = normpath(join(dirname(home), file.removesuffix(".json"))) if file else home
                yield key, self.refer(name)["$ref"] + pointer
            else:
                yield key, self._moved(value, home)
