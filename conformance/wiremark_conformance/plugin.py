"""The pytest plugin: this module is loaded into everybody's pytest, so it imports nothing heavy.

When it acts, and only then:

- `pytest --base-url=URL` with no path named anywhere: the plugin supplies its own checks. The URL
  must stand on this command line; `base_url` in an ini file, `PYTEST_BASE_URL` and `addopts` belong
  to projects that test their own application with pytest-base-url, and those are left alone.
- our checks are named (`--pyargs wiremark_conformance`): a base URL from any of these places serves.

In every other run nothing but the options is registered. A project that wants `--base-url` without
paths for itself says `addopts = -p no:wiremark`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wiremark_conformance import options

if TYPE_CHECKING:
    from wiremark_conformance.session import Run

PACKAGE = "wiremark_conformance"
BASE_URL_PLUGIN = "base_url"
RUN: pytest.StashKey[Run] = pytest.StashKey()  # in the config of a session that runs the suite
_HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    options.register(parser)
    # `--base-url` is pytest-base-url's. It loads itself, unless plugins are loaded by name only.
    config = pluginmanager.get_plugin("pytestconfig")
    known = getattr(config, "known_args_namespace", None)
    autoload_off = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") or getattr(
        known, "disable_plugin_autoload", False
    )
    if autoload_off:
        pluginmanager.import_plugin(BASE_URL_PLUGIN, consider_entry_points=True)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # `--debug` writes the arguments of the invocation into a file; a key given there must not follow.
    given = early_config.invocation_params
    shown = options.without_secrets(given.args)
    if shown != given.args:
        early_config.invocation_params = pytest.Config.InvocationParams(
            args=shown, plugins=given.plugins, dir=given.dir
        )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    named = _names_our_checks(config)
    if not named and not _asks_for_our_checks(config):
        return
    base_url = config.getoption("base_url", default=None) or _ini_base_url(config)
    if not base_url:
        if not named:  # an empty variable on the command line
            return
        raise pytest.UsageError("wiremark's checks need the endpoint: give --base-url=http://HOST/v1")
    if not named:
        config.args[:] = [PACKAGE]
        config.option.pyargs = True

    from wiremark_conformance.session import attach

    attach(config, base_url)


def _asks_for_our_checks(config: pytest.Config) -> bool:
    """A base URL on the command line, and no paths."""
    return config.args_source is not pytest.Config.ArgsSource.ARGS and any(
        arg.partition("=")[0] == "--base-url" for arg in config.invocation_params.args
    )


def _names_our_checks(config: pytest.Config) -> bool:
    """Whether one of the named paths is this package or lies in it."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return False
    names = (arg.partition("::")[0] for arg in config.args)
    return any(
        (config.option.pyargs and name.partition(".")[0] == PACKAGE)
        or (config.invocation_params.dir / name).resolve().is_relative_to(_HERE)
        for name in names
    )


def _ini_base_url(config: pytest.Config) -> str | None:
    try:
        return config.getini("base_url") or None
    except ValueError:  # pytest-base-url is blocked: there is no such setting
        return None
