"""The official SDKs that are installed, run for real against the endpoint, each in a process of its own.

They are loaded by name and only there: this package never depends on them. What a scenario saw is kept
as the exchange of a probe, so that it is judged, recorded and reported like everything else.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wiremark_conformance.exchange import Exchange, Part, Request, TransportFailure
from wiremark_conformance.target import Target

SECONDS = 180.0  # for all scenarios of one SDK; those that were told by then count


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that users do with an SDK; `capability` is what the contract must promise for it."""

    sdk: str
    name: str
    capability: str

    @property
    def probe(self) -> str:
        return f"sdk.{self.sdk}.{self.name}"


SCENARIOS: Mapping[str, Scenario] = {
    found.probe: found
    for found in (
        Scenario("openai", "models", "models"),
        Scenario("openai", "chat", "chat"),
        Scenario("openai", "stream", "chat.stream"),
        Scenario("openai", "tools", "chat.tools.forced"),
        Scenario("openai", "parse", "chat.json-schema"),
        Scenario("openai", "error", "errors"),
        Scenario("openai", "embeddings", "embeddings"),
        Scenario("openai", "responses", "responses"),
        Scenario("openai", "responses-stream", "responses.stream"),
        Scenario("openai", "responses-tools", "responses.tools.forced"),
        Scenario("anthropic", "message", "messages"),
        Scenario("anthropic", "stream", "messages.stream"),
        Scenario("anthropic", "tools", "messages.tools.forced"),
        Scenario("anthropic", "error", "messages.errors"),
        Scenario("anthropic", "round-trip", "messages.tools.forced"),
        Scenario("anthropic", "count", "messages.count-tokens"),
        Scenario("anthropic", "models", "messages.models"),
        Scenario("google-genai", "generate", "gemini"),
        Scenario("google-genai", "stream", "gemini.stream"),
        Scenario("google-genai", "functions", "gemini.functions.forced"),
        Scenario("google-genai", "parse", "gemini.json-schema"),
        Scenario("google-genai", "error", "gemini.errors"),
        Scenario("google-genai", "count", "gemini.count-tokens"),
        Scenario("google-genai", "models", "gemini.models"),
        Scenario("google-genai", "embeddings", "gemini.embed"),
    )
}


_MODULES = {"google-genai": "google.genai"}  # of an SDK whose module has another name


def installed(sdk: str) -> bool:
    """Whether the SDK can be run here."""
    try:
        return importlib.util.find_spec(_MODULES.get(sdk, sdk)) is not None
    except ModuleNotFoundError:  # of a package around it
        return False


def run(probes: Iterable[str], target: Target) -> Mapping[str, Exchange]:
    """What each of these scenarios saw; those of an SDK that is not installed are left out."""
    chosen = [SCENARIOS[name] for name in probes if name in SCENARIOS]
    chosen = [found for found in chosen if target.declares(found.capability) and installed(found.sdk)]
    told: dict[str, Exchange] = {}
    for sdk in dict.fromkeys(found.sdk for found in chosen):
        told |= _run(sdk, [found for found in chosen if found.sdk == sdk], target)
    return told


def _run(sdk: str, chosen: Sequence[Scenario], target: Target) -> Mapping[str, Exchange]:
    """One process: the task on its standard input, so that no process list shows the key."""
    task = {
        "sdk": sdk,
        "module": _MODULES.get(sdk, sdk),
        "scenarios": [found.name for found in chosen],
        "base_url": target.base_url,
        "gemini": _gemini_root(target),
        "key": target.credentials.get("default") or "none",
        "model": target.model,
        "responder": target.model_for("responses"),
        "embedder": next((model.id for model in target.contract.models if not model.writes), target.model),
    }
    command = [sys.executable, "-m", "wiremark_conformance.sdk.scenarios"]
    try:
        done = subprocess.run(
            command, input=json.dumps(task), capture_output=True, text=True, timeout=SECONDS, check=False
        )
        lines, complaint = done.stdout.splitlines(), done.stderr.strip()[-300:]
    except subprocess.TimeoutExpired as late:
        lines = late.stdout.decode().splitlines() if isinstance(late.stdout, bytes) else []
        complaint = f"the scenarios of {sdk} had not ended after {SECONDS:g} s"
    told = {document["scenario"]: line for line in lines if (document := json.loads(line))}
    return {found.probe: _exchange(found, told.get(found.name), complaint) for found in chosen}


def _gemini_root(target: Target) -> str:
    """The URL of the version of the API, below which Gemini's models stand."""
    path = target.path("gemini.generate", model="m") or f"{target.base_path}/models/"
    return target.base_url.removesuffix(target.base_path) + path.partition("/models/")[0]


def _exchange(scenario: Scenario, told: str | None, complaint: str) -> Exchange:
    request = Request("SDK", f"{scenario.sdk}/{scenario.name}", ())
    if told is None:
        return Exchange(scenario.probe, request, failure=TransportFailure("timeout", complaint or "no word"))
    headers = (("content-type", "application/json"),)
    return Exchange(scenario.probe, request, status=200, headers=headers, parts=(Part(0, told.encode()),))
