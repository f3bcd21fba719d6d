"""The load generators that are compared: how each is started, and how its report is read.

A reading is in milliseconds: `ttft` and `itl` with p50 and p99, each None where the tool tells none. `itl`
is what the tool calls inter-token latency; a mean per request where it has no gaps.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Of the tools that are not ours, each in a virtual environment of its own below FOLDER.
PINNED = {"guidellm": "0.8.1", "aiperf": "0.13.0"}
FOLDER = Path(__file__).parents[2] / ".bench"
TOKENIZER = FOLDER / "tokenizer"

Reading = dict[str, dict[str, float | None] | None]
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Task:
    """What a tool is to do: `streams` at once, `requests` in all or for `seconds`."""

    base_url: str
    streams: int
    requests: int
    seconds: int
    folder: Path

    @property
    def root(self) -> str:
        return self.base_url.removesuffix("/v1")


@dataclass(frozen=True, slots=True)
class Tool:
    """program: path of its executable; most: streams beyond which it is not run"""

    name: str
    program: str
    command: Callable[[str, Task], list[str]]
    read: Callable[[Task], Reading]
    environment: Mapping[str, str] = field(default_factory=dict)
    most: int = 1000


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _wiremark(program: str, task: Task) -> list[str]:
    return [
        *(program, "load", "--base-url", task.base_url, "--model", "truth", "--seed", "1"),
        *("--users", str(task.streams), "--duration", str(task.seconds)),
        *("--scenario", str(HERE / "stream.yaml"), "--out", str(task.folder)),
    ]


def _read_wiremark(task: Task) -> Reading:
    latency = _json(task.folder / "load.json")["latency_ms"]
    return {
        name: {key: latency[measure][key] for key in ("p50", "p99")}
        for name, measure in (("ttft", "time_to_first_token"), ("itl", "inter_token"))
    }


def _guidellm(program: str, task: Task) -> list[str]:
    tokenizer = os.environ["BENCH_TOKENIZER"]
    return [
        *(program, "run", "--backend", f"kind=openai_http,target={task.root},model=truth,http2=false"),
        *("--profile", f"kind=concurrent,streams={task.streams}"),
        *("--constraint", f"kind=max_requests,count={task.requests}"),
        *("--tokenizer", f"kind=huggingface_auto,model={tokenizer}"),
        *("--data", "kind=synthetic_text,prompt_tokens=32,output_tokens=64"),
        *("--output", f"kind=json,path={task.folder}/out.json", "--disable-console"),
    ]


def _read_guidellm(task: Task) -> Reading:
    told = _json(task.folder / "out.json")["benchmarks"][0]["metrics"]

    def of(name: str) -> dict[str, float | None]:
        found = told[name]["successful"]
        return {"p50": found["median"], "p99": found["percentiles"]["p99"]}

    return {"ttft": of("time_to_first_token_ms"), "itl": of("inter_token_latency_ms")}


def _aiperf(program: str, task: Task) -> list[str]:
    return [
        *(
            program,
            "profile",
            "--model",
            "truth",
            "--url",
            task.root,
            "--endpoint-type",
            "chat",
            "--streaming",
        ),
        *("--concurrency", str(task.streams), "--request-count", str(task.requests)),
        *("--tokenizer", os.environ["BENCH_TOKENIZER"], "--isl", "32", "--osl", "64"),
        *("--use-server-token-count", "--ui", "none", "--no-server-metrics", "--no-gpu-telemetry"),
        *("--artifact-dir", str(task.folder)),
    ]


def _read_aiperf(task: Task) -> Reading:
    told = _json(next(task.folder.rglob("profile_export_aiperf.json")))

    def of(name: str) -> dict[str, float | None] | None:
        return {"p50": told[name]["p50"], "p99": told[name]["p99"]} if name in told else None

    return {"ttft": of("time_to_first_token"), "itl": of("inter_chunk_latency") or of("inter_token_latency")}


def _locust(program: str, task: Task) -> list[str]:
    return [
        *(program, "-m", "locust", "-f", str(HERE / "oai_user.py"), "--headless", "--only-summary"),
        *("--users", str(task.streams), "--spawn-rate", str(task.streams)),
        *("--run-time", f"{task.seconds}s", "--stop-timeout", "30"),
        *("--csv", str(task.folder / "run"), "--host", task.base_url),
    ]


def _read_locust(task: Task) -> Reading:
    """It has neither time to first token nor gaps: what it calls response time is all there is."""
    with (task.folder / "run_stats.csv").open(encoding="utf-8") as lines:
        total = next(row for row in csv.DictReader(lines) if row["Name"] == "Aggregated")
    if int(total["Request Count"]) == int(total["Failure Count"]):
        with (task.folder / "run_exceptions.csv").open(encoding="utf-8") as lines:
            raised = next((row["Message"] for row in csv.DictReader(lines)), "it says of none why")
        raise ValueError(f"it counted no request, since its client raised: {raised}")
    return {"ttft": {"p50": float(total["50%"]), "p99": float(total["99%"])}, "itl": None}


def install() -> None:
    """Fetch the pinned tools that are not there yet, and make the tokenizer that they want."""
    for name, number in PINNED.items():
        python = FOLDER / name / "bin" / "python"
        if not python.with_name(name).exists():
            subprocess.run([sys.executable, "-m", "venv", str(FOLDER / name)], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, f"{name}=={number}"], check=True)
    if not TOKENIZER.exists():
        python = FOLDER / "guidellm" / "bin" / "python"
        subprocess.run([str(python), str(HERE / "tokenizer.py"), str(TOKENIZER)], check=True)


def fetched(name: str) -> str | None:
    """The program of a tool that was installed here; None when it was not."""
    program = FOLDER / name / "bin" / name
    return str(program) if program.exists() else None


def installed(guidellm: str | None, aiperf: str | None) -> list[Tool]:
    """The tools to compare, ours first."""
    found = [
        Tool("wiremark", str(Path(sys.executable).with_name("wiremark")), _wiremark, _read_wiremark),
        Tool("locust-openai", sys.executable, _locust, _read_locust, {"OPENAI_API_KEY": "none"}, most=256),
    ]
    if guidellm:
        found.append(Tool("guidellm", guidellm, _guidellm, _read_guidellm, {"HF_HUB_OFFLINE": "1"}))
    if aiperf:
        found.append(Tool("aiperf", aiperf, _aiperf, _read_aiperf))  # told to be offline, it takes no folder
    return found
