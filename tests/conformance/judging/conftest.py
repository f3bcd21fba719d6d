"""`world` gives a good endpoint that keeps the contract of `everything.yaml`; a test spoils an answer of it
and asks the judge. Nothing here opens a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.judging.good_openai import chunk, completion, piece, usage_chunk
from tests.conformance.judging.world import PAGES, World


@pytest.fixture
def world() -> World:
    """A fresh good endpoint that promises everything, with a key of every role."""
    return World()


@pytest.fixture
def worlds() -> Callable[..., World]:
    """Makes good endpoints under other contracts or with fewer keys."""
    return World


@pytest.fixture
def wire() -> Any:
    """The builders of this module, for tests that need chunks of their own."""

    class Wire:
        chunk = staticmethod(chunk)
        usage_chunk = staticmethod(usage_chunk)
        piece = staticmethod(piece)
        completion = staticmethod(completion)

    return Wire


@pytest.fixture
def pages() -> World:
    """A fresh good endpoint that lets web pages in."""
    return World(PAGES)
