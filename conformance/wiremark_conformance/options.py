"""One table: every option, on the command line and in pytest, its environment variables and its help.

`--base-url` is pytest-base-url's option and is only read here. Environment variables are looked up
when a value is resolved, not when options are registered, so that a key never lands in pytest's own
option values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    import pytest

GROUP = "wiremark"
REDACTED = "[redacted]"


class Secret:
    """An option's value that shows in no repr, no debug log and no traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return REDACTED


@dataclass(frozen=True, slots=True)
class Option:
    """One setting under its two names.

    name:    `--wiremark-NAME` in pytest
    command: `--COMMAND` of `wiremark check`
    """

    name: str
    command: str
    metavar: str
    help: str
    environment: tuple[str, ...] = ()
    secret: bool = False

    @property
    def flag(self) -> str:
        return f"--wiremark-{self.name}"

    @property
    def dest(self) -> str:
        return f"wiremark_{self.name.replace('-', '_')}"


OPTIONS = (
    Option("contract", "contract", "NAME|FILE", "the contract to hold the endpoint to (default: generic)"),
    Option(
        "model", "model", "ID", "the model to test (default: the contract's first, else the first listed)"
    ),
    Option(
        "api-key",
        "api-key",
        "KEY",
        "the API key; better given in WIREMARK_API_KEY or OPENAI_API_KEY, where no process list shows it",
        environment=("WIREMARK_API_KEY", "OPENAI_API_KEY"),
        secret=True,
    ),
    Option("credentials", "credentials", "FILE", "YAML of key roles: default, exhausted, restricted, …"),
    Option("report", "out", "DIR", "write report.json, report.html and junit.xml into this directory"),
    Option("record", "record", "FILE", "record the run in this file, for `wiremark judge recording FILE`"),
    Option("deviations", "deviations", "FILE", "YAML of known deviations, each with a reason and an expiry"),
    Option("concurrency", "concurrency", "N", "requests under way at the same time, 1 to 64 (default: 4)"),
    Option("repeats", "repeats", "K", "tries of what depends on the model's mood when it fails (default: 5)"),
    Option(
        "sdk",
        "sdk",
        "NAME,…",
        "also run these installed official SDKs: openai, anthropic, google-genai, or all",
    ),
    Option("examples", "examples", "N", "generated requests per property (default: none; needs Hypothesis)"),
    Option("seed", "seed", "N", "makes the generated requests repeatable (default: drawn, and printed)"),
    Option("max-requests", "max-requests", "N", "do not start when the run would need more requests"),
)
BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}


def register(parser: pytest.Parser) -> None:
    """Add the options to pytest, in one group of their own."""
    group = parser.getgroup(GROUP, "conformance of an OpenAI-compatible endpoint (used with --base-url)")
    for option in OPTIONS:
        group.addoption(
            option.flag,
            dest=option.dest,
            metavar=option.metavar,
            help=option.help,
            default=None,
            type=Secret if option.secret else str,
        )


def add_to_command(parser: argparse.ArgumentParser, without: str = "") -> None:
    """Add the same settings, under their command line names, to a command's parser; all but one."""
    for option in OPTIONS:
        if option.name == without:
            continue
        parser.add_argument(f"--{option.command}", dest=option.dest, metavar=option.metavar, help=option.help)


def value(config: pytest.Config, name: str, environ: Mapping[str, str]) -> str | None:
    """What was given for an option: on the command line, else in its environment variables."""
    option = BY_NAME[name]
    given = config.getoption(option.dest, default=None)
    if isinstance(given, Secret):
        return given.reveal()
    if given is not None:
        return str(given)
    return next((environ[variable] for variable in option.environment if environ.get(variable)), None)


def without_secrets(args: tuple[str, ...]) -> tuple[str, ...]:
    """Command line arguments as they may be logged."""
    shown: list[str] = []
    secret_flags = tuple(option.flag for option in OPTIONS if option.secret)
    hide_next = False
    for arg in args:
        flag, equals, _ = arg.partition("=")
        if hide_next:
            shown.append(REDACTED)
        elif flag in secret_flags and equals:
            shown.append(f"{flag}={REDACTED}")
        else:
            shown.append(arg)
        hide_next = not hide_next and arg in secret_flags
    return tuple(shown)
