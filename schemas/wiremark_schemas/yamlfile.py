"""YAML files as documents that remember on which line each value stands.

Used for every file that a person writes for us: contracts, credentials, deviations. A defect is
reported as `file:line: /pointer: what was expected`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from wiremark_schemas.explain import pointer, violations
from wiremark_schemas.registry import validator


class BadFile(Exception):  # noqa: N818  # says more than BadFileError
    """A file that a person wrote is not what it should be; the text says where and what to do."""


# In C where PyYAML has it: ten times as fast, but no match for a file that means harm.
_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST = 100_000  # values in one file; aliases of aliases can stand for billions


def _lines(node: yaml.Node, path: tuple[str | int, ...], found: dict[str, int]) -> None:
    if len(found) > _MOST:
        raise BadFile(f"line {node.start_mark.line + 1}: there are more than {_MOST} values up to here")
    found[pointer(path)] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise BadFile(f"line {line}: a key must be plain text")
            if key.value in seen:
                raise BadFile(f"line {line}: the key {key.value!r} stands here twice")
            seen.add(key.value)
            _lines(value, (*path, key.value), found)
            found[pointer((*path, key.value))] = line
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _lines(value, (*path, position), found)


def parse(text: str, source: str, *, ours: bool = False) -> tuple[Any, dict[str, int]]:
    """The document in `text` and the line of each pointer in it; `ours`: it comes with the package.

    Raises BadFile, naming `source` and where it can be known the line, when it is not YAML.
    """
    try:
        loader = _Fast(text) if ours else yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            found: dict[str, int] = {}
            if node is None:
                return None, found
            _lines(node, (), found)
            return loader.construct_document(node), found
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadFile(f"{source}{line}: this is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:  # a control character has no mark
        raise BadFile(f"{source}: this is not YAML: {error}".splitlines()[0]) from None
    except ValueError as error:  # a date such as 2026-13-01
        raise BadFile(f"{source}: a value is not what it looks like: {error}") from None
    except RecursionError:
        raise BadFile(f"{source}: this is nested too deeply, or refers to itself") from None
    except BadFile as error:
        raise BadFile(f"{source}: {error}") from None


def read(path: Path, what: str) -> str:
    """The text of a file that a person named; `what` says what it should hold."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such {what}") from None
    except UnicodeDecodeError as error:
        raise BadFile(f"{path}: the {what} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise BadFile(f"{path}: the {what} cannot be read: {error.strerror}") from None


def check(document: Any, lines: dict[str, int], schema: str, source: str) -> None:
    """Hold a parsed document to the schema called `schema`; raise BadFile with its first defect."""
    found = violations(validator(schema), document)
    if not found:
        return
    first = found[0]
    at = first.pointer
    while at and at not in lines:
        at = at.rpartition("/")[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise BadFile(f"{source}:{lines.get(at, 1)}: {first}{more}")
