"""What a person asked for, resolved and checked before the first request is made."""

from __future__ import annotations

import importlib.util
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from wiremark_reports.record import Deviation
from wiremark_schemas import contracts, credentials
from wiremark_schemas.contracts import Contract
from wiremark_schemas.credentials import Credentials
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance import deviations, options, sdk
from wiremark_conformance.client import BadBaseUrl, Endpoint
from wiremark_conformance.requirement import Register

DEFAULT_CONTRACT = "generic"
DEFAULT_CONCURRENCY, _MOST = 4, 64
_SEEDS = 10**6
DEFAULT_REPEATS = 5


class SettingError(Exception):
    """Something that a person gave cannot be used; the text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is given.

    model:        the one asked for, None when it is to be found
    report:       where to write, None: nowhere
    max_requests: more than these are not begun, None: no limit
    examples:     generated requests per property; seed: what they are drawn from
    sdks:         official SDKs that are run too
    repeats:      tries of what depends on the model's mood, the first one included
    record:       the file that the run is recorded in, None: none
    """

    endpoint: Endpoint
    contract: Contract
    model: str | None
    credentials: Credentials
    report: Path | None
    deviations: Mapping[str, Deviation]
    concurrency: int = DEFAULT_CONCURRENCY
    max_requests: int | None = None
    examples: int = 0
    seed: int = 0
    sdks: frozenset[str] = frozenset()
    repeats: int = DEFAULT_REPEATS
    record: Path | None = None


def resolve(config: pytest.Config, base_url: str, register: Register, environ: Mapping[str, str]) -> Settings:
    """The settings of this pytest run. Raises SettingError; touches no network and writes nothing."""

    def given(name: str) -> str | None:
        return options.value(config, name, environ)

    here = config.invocation_params.dir
    report, deviations_file, credentials_file, record = (
        Path(os.path.normpath(here / path)) if (path := given(name)) else None
        for name in ("report", "deviations", "credentials", "record")
    )
    try:
        return Settings(
            endpoint=Endpoint.parse(base_url),
            contract=contracts.load(given("contract") or DEFAULT_CONTRACT),
            model=given("model"),
            # The key on the command line goes before the file, and the file before the environment.
            credentials=_credentials(credentials_file, options.value(config, "api-key", {}), environ),
            report=writable(report) if report else None,
            record=_recordable(record) if record else None,
            deviations=deviations.load(deviations_file, register) if deviations_file else {},
            concurrency=_number("concurrency", given("concurrency"), _MOST) or DEFAULT_CONCURRENCY,
            max_requests=_number("max-requests", given("max-requests")),
            examples=_examples(given("examples")),
            sdks=_sdks(given("sdk")),
            repeats=_number("repeats", given("repeats"), _MOST) or DEFAULT_REPEATS,
            seed=_number("seed", given("seed")) or 1 + secrets.randbelow(_SEEDS),
        )
    except (BadBaseUrl, BadFile) as error:
        raise SettingError(str(error)) from None


def _sdks(text: str | None) -> frozenset[str]:
    known = {scenario.sdk for scenario in sdk.SCENARIOS.values()}
    if text == "all":
        return frozenset(name for name in known if sdk.installed(name))
    chosen = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    for name in sorted(chosen):
        if name not in known:
            raise SettingError(f"--wiremark-sdk: {name!r} is none of {', '.join(sorted(known))}, or all")
        if not sdk.installed(name):
            raise SettingError(f"--wiremark-sdk: {name} is not installed here: pip install {name}")
    return chosen


def _examples(text: str | None) -> int:
    count = _number("examples", text) or 0
    if count and importlib.util.find_spec("hypothesis") is None:
        raise SettingError("--wiremark-examples needs Hypothesis: pip install 'wiremark[properties]'")
    return count


def _number(name: str, text: str | None, most: int | None = None) -> int | None:
    """A whole number from 1 that was given for an option."""
    if text is None:
        return None
    digits = text.isascii() and text.isdigit() and len(text) < 10
    if not digits or not 1 <= int(text) <= (most or int(text)):
        bound = f"from 1 to {most}" if most else "of at least 1"
        raise SettingError(f"{options.BY_NAME[name].flag} takes a whole number {bound}, not {text!r}")
    return int(text)


def _credentials(file: Path | None, key: str | None, environ: Mapping[str, str]) -> Credentials:
    keys = dict(credentials.load(file).keys) if file else {}
    if key is None and "default" not in keys:
        variables = options.BY_NAME["api-key"].environment
        key = next((environ[variable] for variable in variables if environ.get(variable)), None)
    if key is not None:
        if not key or not key.isascii() or any(character.isspace() for character in key):
            raise SettingError("the API key must be ASCII text without spaces or line breaks")
        keys["default"] = key
    return Credentials(keys)


def writable(directory: Path) -> Path:
    """`directory`, if reports can be written there; it need not exist yet, and is not made here."""
    _check_place("reports", directory, directory)
    return directory


def _recordable(file: Path) -> Path:
    """`file`, if a recording can be written there; its folders need not exist yet."""
    if file.is_dir():
        raise SettingError(f"a recording cannot be written to {file}: it is a directory; name a file")
    _check_place("a recording", file, file.parent)
    return file


def _check_place(what: str, where: Path, directory: Path) -> None:
    nearest = next(path for path in (directory, *directory.parents) if path.exists())
    if not nearest.is_dir():
        raise SettingError(f"{what} cannot be written to {where}: {nearest} is a file, not a directory")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise SettingError(f"{what} cannot be written to {where}: no permission to write in {nearest}")
