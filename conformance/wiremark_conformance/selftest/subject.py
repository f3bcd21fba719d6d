"""What the self-test is run against: a server that misbehaves on demand, found by entry point.

The judge knows no server. Whoever has one registers, in the group `wiremark.subjects`, a class whose
instances are a `Subject`; the reference server does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import entry_points
from typing import Any, Protocol

from wiremark_conformance.selftest.asgi import Application

GROUP = "wiremark.subjects"


class NoSubjectError(Exception):
    """No server that can be tried is installed; the text says what to install."""


class Instance(Protocol):
    """One server, fresh, for one trial.

    contract:    what the contract that it claims to keep is loaded by: a name or a path
    application: ASGI, when it is spoken to in this process
    run:         waits for a coroutine on the application's own event loop
    base_url:    where it listens, when it was opened on a socket; else ""
    keys:        one per role
    crashes:     what broke in it that no fault means to break, as it happens
    """

    @property
    def contract(self) -> str: ...
    @property
    def application(self) -> Application: ...
    @property
    def run(self) -> Callable[[Coroutine[Any, Any, Any]], Any]: ...
    @property
    def base_url(self) -> str: ...
    @property
    def keys(self) -> Mapping[str, str]: ...
    @property
    def crashes(self) -> Sequence[str]: ...


class Subject(Protocol):
    """Opens servers with the faults and variants that are asked for, by name."""

    def catalogue(self) -> dict[str, Any]:
        """Every fault and variant: `meta/faults`."""

    def close(self) -> None:
        """Remove what was prepared for all of them."""

    def open(
        self,
        contract: str,
        faults: Sequence[str],
        variants: Sequence[str],
        rate: float,
        seed: int,
        *,
        socket: bool,
    ) -> AbstractContextManager[Instance]:
        """A fresh server. socket: on a socket of its own, else as an application in this process."""


def load() -> Subject:
    """The installed subject. Raises NoSubjectError."""
    found = entry_points(group=GROUP)
    if not found:
        raise NoSubjectError("there is no server to try: pip install 'wiremark[server]'")
    subject: Subject = next(iter(found)).load()()
    return subject
