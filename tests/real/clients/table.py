"""The table of clients, read; how each is installed, and how its driver is run."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from installing import CHECKOUT, NotAvailableError, Recipe

HERE = Path(__file__).resolve().parent
DRIVERS = HERE / "drivers"
PINS = CHECKOUT / "tests" / "pins.txt"
RUN_SECONDS = 900  # of all runs of one client


@dataclass(frozen=True)
class Endpoint:
    """A base URL of a contract, and the model that is asked there in one format."""

    contract: str
    path: str
    format: str
    model: str


@dataclass(frozen=True)
class Client:
    """One row. Exactly one of package (of `pip` or `npm`) and program (on the path) names what is tested."""

    name: str
    environment: str
    driver: str
    raises: str | Mapping[int, str]
    runs: Mapping[str, Sequence[str]]
    package: str | None = None
    program: str | None = None
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    long: bool = False

    @property
    def recipe(self) -> Recipe | None:
        """How its environment is installed; None for the project's own."""
        told = _table()["environments"][self.environment]
        if not told:
            return None
        return Recipe(f"client-{self.environment}", tuple(told.get("pip", ())), told.get("npm", {}))

    @property
    def version(self) -> str:
        """As pinned; a program's is its machine's."""
        if self.package is None:
            return "of the machine"
        npm = self.recipe.npm if self.recipe else {}
        if self.package in npm:
            return str(npm[self.package])
        pins = self.recipe.pip if self.recipe else PINS.read_text(encoding="utf-8").split()
        return next(pin.partition("==")[2] for pin in pins if pin.partition("==")[0] == self.package)

    def folder(self) -> Path | None:
        """Where its environment is, installed now when `WIREMARK_REAL=install`.

        Raises NotAvailableError, saying what would install it.
        """
        if self.program is not None and shutil.which(self.program) is None:
            raise NotAvailableError(f"{self.program} is not on the path")
        recipe = self.recipe
        if recipe is None:
            return None
        if os.environ.get("WIREMARK_REAL") != "install" and (self.long or not recipe.installed()):
            why = "takes minutes" if self.long else "is not installed"
            raise NotAvailableError(
                f"{self.name} {self.version} {why}; `make real-clients` installs and runs it"
            )
        return recipe.install()

    def use(self, tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Run the driver: by endpoint, for each thing done, what the client handed to its user."""
        folder = self.folder()
        more = {"bin": str(folder / "bin"), "node_modules": str(folder / "node_modules")} if folder else {}
        driver = str(DRIVERS / self.driver)
        python = sys.executable if folder is None else str(folder / "bin" / "python")
        done = subprocess.run(
            ["node", driver] if driver.endswith(".mjs") else [python, driver],
            cwd=folder or DRIVERS,
            env={**_environment(), "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            input=json.dumps([{**task, **self.tasks.get(at, {}), **more} for at, task in tasks.items()]),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"the driver of {self.name} broke: {done.stderr[-2000:]}")
        told = json.loads(done.stdout.splitlines()[-1])
        return dict(zip(tasks, told, strict=True))


def _environment() -> dict[str, str]:
    """This process's, without what would point a client elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "LITELLM_"))
        and not name.lower().endswith("_proxy")
    }


@functools.cache
def _table() -> Any:
    return yaml.safe_load((HERE / "clients.yaml").read_text(encoding="utf-8"))


def endpoints() -> dict[str, Endpoint]:
    return {name: Endpoint(**told) for name, told in _table()["endpoints"].items()}


def clients() -> dict[str, Client]:
    return {name: Client(name, **told) for name, told in _table()["clients"].items()}


def page() -> str:
    """The table as README.md has it."""
    known = endpoints()
    lines = ["| client | version | contracts (formats) | asserted |", "|---|---|---|---|"]
    for client in clients().values():
        formats: dict[str, list[str]] = {}
        for endpoint in (known[name] for name in client.runs):
            formats.setdefault(endpoint.contract, []).append(endpoint.format)
        served = (f"{name} ({', '.join(dict.fromkeys(found))})" for name, found in formats.items())
        done = dict.fromkeys(what for does in client.runs.values() for what in does)
        lines.append(f"| {client.name} | {client.version} | {', '.join(served)} | {', '.join(done)} |")
    return "\n".join(lines)
