"""Which operation a method and path mean, compiled from the contract."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from msgspec import Struct
from wiremark_schemas.contracts import Contract, Dialect

from wiremark_server.domain import problem

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


# Headers that only clients of one dialect send, for paths that several share.
_TELLING_HEADERS: tuple[tuple[str, Dialect], ...] = (
    ("x-goog-api-key", "gemini"),
    ("anthropic-version", "anthropic"),
)


class Match(Struct, frozen=True):
    """operation: name in the contract, such as `models.get`; parameters: decoded once."""

    operation: str
    parameters: Mapping[str, str]


class Routes:
    """The contract's operations by path. A trailing slash means the same route, never a redirect."""

    def __init__(self, contract: Contract) -> None:
        self._own = contract.dialect
        self._dialects = contract.dialects
        self._spoken: dict[str, Dialect] = {}  # path of an operation → its dialect, where it has one
        self._exact: dict[str, dict[str, str]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, str]]] = []
        for operation, entry in contract.raw["operations"].items():
            for path in contract.paths(operation):
                self._methods(path)[entry["method"]] = operation
                dialect = contract.dialect_of(operation)
                if dialect is not None:
                    self._spoken[path] = dialect
        # Of patterns that fit, the one that says most: `…/{model}:method` before `…/{model}`.
        self._patterns.sort(key=lambda entry: len(entry[0].pattern), reverse=True)

    def _methods(self, path: str) -> dict[str, str]:
        if "{" not in path:
            return self._exact.setdefault(path, {})
        pattern = re.compile(_pattern(path))
        for known, methods in self._patterns:
            if known == pattern:
                return methods
        self._patterns.append((pattern, {}))
        return self._patterns[-1][1]

    def match(self, method: str, path: str) -> Match:
        """The operation of a raw (undecoded) path; HEAD means the GET of the same path.

        Raises ProblemError for an unknown path, or for a method that the path does not have.
        """
        methods, parameters = self._find(method, path)
        operation = methods.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise problem.method_not_allowed(method, path, _allowed(methods))
        return Match(operation, parameters)

    def dialect(self, path: str, header: Callable[[str], str | None], *, keyed: bool = False) -> Dialect:
        """What is spoken on a path, served or not: by operation, else by header, else the contract's own.

        keyed: the query has a key, as only Google's clients send it
        """
        if len(self._dialects) == 1:
            return self._own
        found = self._lookup(path)
        for operation in found[0].values() if found else ():
            dialect = Contract.dialect_of(operation)
            if dialect is not None:
                return dialect
        for served, dialect in self._spoken.items():
            if path == served or path.startswith(f"{served}/"):
                return dialect
        for name, dialect in _TELLING_HEADERS:
            if dialect in self._dialects and header(name) is not None:
                return dialect
        if keyed and "gemini" in self._dialects:
            return "gemini"
        return self._own

    def allowed(self, path: str) -> tuple[str, ...]:
        """Methods of a path, for OPTIONS. Raises ProblemError for an unknown path."""
        return (*_allowed(self._find("OPTIONS", path)[0]), "OPTIONS")

    def _find(self, method: str, path: str) -> tuple[dict[str, str], Mapping[str, str]]:
        found = self._lookup(path)
        if found is None:
            raise problem.unknown_route(method, path)
        return found

    def _lookup(self, path: str) -> tuple[dict[str, str], Mapping[str, str]] | None:
        if len(path) > 1 and path.endswith("/"):
            path = path[:-1]
        methods = self._exact.get(path)
        if methods is not None:
            return methods, {}
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match:
                return methods, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


def _pattern(path: str) -> str:
    """A template as a regular expression; a parameter may hold slashes, since some clients do not escape."""
    pieces = _PLACEHOLDER.split(path)
    return "".join(
        re.escape(piece) if position % 2 == 0 else f"(?P<{piece}>.+)" for position, piece in enumerate(pieces)
    )


def _allowed(methods: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted({*methods, "HEAD"} if "GET" in methods else methods))
