"""Options: names that scripts rely on, and a key that shows nowhere."""

from __future__ import annotations

import argparse

import pytest
from wiremark_conformance import options

KEY = "sk-very-secret-0123456789"


def test_the_names_of_pytest_options_are_fixed() -> None:
    assert {option.flag for option in options.OPTIONS} == {
        "--wiremark-contract",
        "--wiremark-model",
        "--wiremark-api-key",
        "--wiremark-credentials",
        "--wiremark-report",
        "--wiremark-record",
        "--wiremark-deviations",
        "--wiremark-concurrency",
        "--wiremark-repeats",
        "--wiremark-sdk",
        "--wiremark-examples",
        "--wiremark-seed",
        "--wiremark-max-requests",
    }


def test_the_names_on_the_command_line_are_fixed() -> None:
    parser = argparse.ArgumentParser()
    options.add_to_command(parser)
    flags = {flag for action in parser._actions for flag in action.option_strings}
    assert flags >= {"--contract", "--model", "--api-key", "--credentials", "--out", "--deviations"}


def test_a_secret_shows_in_no_repr() -> None:
    assert KEY not in f"{options.Secret(KEY)!r} {options.Secret(KEY)}"
    assert options.Secret(KEY).reveal() == KEY


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((f"--wiremark-api-key={KEY}", "-q"), ("--wiremark-api-key=[redacted]", "-q")),
        (("--wiremark-api-key", KEY, "-q"), ("--wiremark-api-key", "[redacted]", "-q")),
        (("--wiremark-model", "m", "-q"), ("--wiremark-model", "m", "-q")),
        (("--wiremark-api-key",), ("--wiremark-api-key",)),
    ],
)
def test_arguments_are_shown_without_keys(given: tuple[str, ...], shown: tuple[str, ...]) -> None:
    assert options.without_secrets(given) == shown


@pytest.mark.usefixtures("no_keys")
def test_a_key_comes_from_the_command_line_before_the_environment(pytester: pytest.Pytester) -> None:
    environ = {"OPENAI_API_KEY": "sk-second", "WIREMARK_API_KEY": "sk-first"}
    config = pytester.parseconfig()
    assert options.value(config, "api-key", environ) == "sk-first"
    assert options.value(config, "api-key", {"OPENAI_API_KEY": "sk-second"}) == "sk-second"
    assert options.value(config, "api-key", {}) is None
    given = pytester.parseconfig(f"--wiremark-api-key={KEY}")
    assert options.value(given, "api-key", environ) == KEY
    assert KEY not in repr(given.option)
    assert KEY not in repr(given.invocation_params)
