"""Compares load generators against a server whose latencies are known.

    python benchmarks/loadgen/run.py [--install] [--streams 1,64,256,1000] [--out benchmarks/loadgen/results]
        [--guidellm PATH] [--aiperf PATH] [--tokenizer DIR]

The server has a core to itself and the generator another. For each number of streams every tool runs in
turn, and the C program `floor.c` as what any client has to pay. Written: results.json and results.md with
the reported times beside what the server really did, streams that it saw, and CPU for each chunk of the
whole process tree. guidellm and aiperf are those that --install has put into .bench, pinned, or that are
named; without them the table is of the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tools
from tools import Task, Tool

HERE = Path(__file__).parent
SECONDS = 6  # of a run by time; a stream takes 1.5 s
ROUNDS = 3  # streams one after the other, of a run by count
LIMIT = 240


def compiled(name: str, folder: Path) -> Path:
    """One of our C programs, ready to run."""
    program = folder / name
    subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / f"{name}.c")], check=True)
    return program


@contextmanager
def truth(program: Path, core: int) -> Iterator[str]:
    """A truth server on a core; its base URL."""
    command = [str(program), "--max-seconds", str(LIMIT + 60)]
    with subprocess.Popen(_pinned(command, core), stdout=subprocess.PIPE, text=True) as server:
        try:
            yield str(server.stdout.readline() if server.stdout else "").removeprefix("listening on ").strip()
        finally:
            server.terminate()


def _pinned(command: Sequence[str], core: int) -> list[str]:
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") else list(command)


def ask(base_url: str, path: str) -> Any:
    with urllib.request.urlopen(base_url.removesuffix("/v1") + path, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def measure(tool: Tool, streams: int, core: int, folder: Path, server: Path) -> dict[str, Any]:
    """One run of one tool against the truth server's program."""
    with truth(server, 0) as base_url:
        task = Task(base_url, streams, max(8, streams * ROUNDS), SECONDS, folder)
        ask(base_url, "/truth")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        code = _call(_pinned(tool.command(tool.program, task), core), tool, folder)
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found: dict[str, Any] = {
            "tool": tool.name,
            "streams": streams,
            "exit_code": code,
            "seconds": round(wall, 1),
        }
        found["truth"] = ask(base_url, "/truth")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found["cpu_seconds"] = round(spent, 2)  # of the tool, start-up included; the server is still running
    found["cpu_us_per_chunk"] = round(spent / max(1, found["truth"]["chunks"]) * 1e6, 1)
    try:
        found["reported"] = tool.read(task)
        if tool.name == "wiremark":
            generator = json.loads((folder / "load.json").read_text())["generator"]
            cpu = sum(worker["cpu"] for worker in generator["workers"])
            found["generator"] = {"valid": generator["valid"], "reasons": generator["reasons"]}
            found["cpu_us_per_chunk_of_the_run"] = round(cpu / max(1, found["truth"]["chunks"]) * 1e6, 1)
    except (OSError, StopIteration):
        found["problem"] = "wrote no report"
    except (KeyError, ValueError) as error:
        found["problem"] = f"no times: {error}"
    return found


def _call(command: Sequence[str], tool: Tool, folder: Path) -> int | None:
    """Run a tool in a session of its own; None when it took too long and was ended."""
    with (folder / "output").open("wb") as output:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd=folder,
            env={**os.environ, **tool.environment},
            start_new_session=True,
        )
        try:
            return child.wait(LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return None


def floor(program: Path, streams: int, core: int, server: Path) -> dict[str, Any]:
    with truth(server, 0) as base_url:
        port = base_url.rsplit(":", 1)[1].removesuffix("/v1")
        command = _pinned([str(program), port, str(streams), str(SECONDS)], core)
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True)
        told = json.loads(done.stdout)
        cost = round(told["cpu_seconds"] / max(1, told["chunks"]) * 1e6, 2)
        return {"tool": "floor.c", "streams": streams, **told, "cpu_us_per_chunk": cost}


def table(rows: Sequence[dict[str, Any]], head: dict[str, Any]) -> str:
    """results.md."""
    versions = ", ".join(f"{name} {number}" for name, number in head["versions"].items())
    columns = ("streams", "tool", "TTFT p50", "TTFT p99", "ITL p50", "ITL p99", "streams seen", "CPU/chunk")
    lines = [
        "# Load generators against known latencies",
        "",
        f"{head['when']}, {head['machine']}, {head['cores']} cores, load average {head['load']} at first;",
        f"{versions}.",
        "",
        "Times: the error, reported minus what the server did, in ms. CPU: of the process tree, start-up",
        "included, in µs for each streamed chunk; in brackets, where it is known, without the start-up.",
        "",
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
    ]
    for row in rows:
        cost = f"{row['cpu_us_per_chunk']}"
        if "cpu_us_per_chunk_of_the_run" in row:
            cost += f" ({row['cpu_us_per_chunk_of_the_run']})"
        if "reported" in row:
            cells = [_error(row, measure, share) for measure in ("ttft", "itl") for share in ("p50", "p99")]
        else:
            cells = [row.get("problem", "-"), "", "", ""]
        seen = row.get("truth", {}).get("peak_streams", "-")
        lines.append(f"| {row['streams']} | {row['tool']} | {' | '.join(cells)} | {seen} | {cost} |")
    return "\n".join(lines) + "\n"


def _error(row: dict[str, Any], measure: str, share: str) -> str:
    told = row["reported"][measure]
    truth = row["truth"][{"ttft": "time_to_first_token", "itl": "inter_token"}[measure]][share]
    if told is None or told[share] is None or truth is None:
        return "-"
    return f"{told[share] - truth:+.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument(
        "--install", action="store_true", help="fetch the pinned tools first (needs a network)"
    )
    parser.add_argument("--guidellm", metavar="PATH")
    parser.add_argument("--aiperf", metavar="PATH")
    parser.add_argument("--tokenizer", type=Path, default=tools.TOKENIZER, metavar="DIR")
    parser.add_argument("--streams", default="1,64,256,1000")
    parser.add_argument("--only", metavar="TOOL")
    given = parser.parse_args()
    if given.install:
        tools.install()
    given.guidellm = given.guidellm or tools.fetched("guidellm")
    given.aiperf = given.aiperf or tools.fetched("aiperf")
    os.environ["BENCH_TOKENIZER"] = str(given.tokenizer.resolve())
    chosen = [t for t in tools.installed(given.guidellm, given.aiperf) if given.only in {None, t.name}]
    core = min(1, (os.cpu_count() or 1) - 1)
    versions = {
        "wiremark": version("wiremark"),
        "locust": version("locust"),
        "python": platform.python_version(),
    }
    for name, program in (("guidellm", given.guidellm), ("aiperf", given.aiperf)):
        if program:
            python = Path(program).with_name("python")
            told = f"import importlib.metadata as m; print(m.version({name!r}))"
            versions[name] = subprocess.run(
                [str(python), "-c", told], capture_output=True, text=True, check=True
            ).stdout.strip()
    head = {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "versions": versions,
    }
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="wiremark-bench-") as scratch:
        program, server = (compiled(name, Path(scratch)) for name in ("floor", "truth_server"))
        for streams in map(int, given.streams.split(",")):
            rows.append(floor(program, streams, core, server))
            for tool in chosen:
                if streams > tool.most:
                    continue
                folder = Path(scratch) / f"{tool.name}-{streams}"
                folder.mkdir()
                rows.append(measure(tool, streams, core, folder, server))
                print(json.dumps(rows[-1]), flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "results.json").write_text(json.dumps({**head, "rows": rows}, indent=1) + "\n")
    (given.out / "results.md").write_text(table(rows, head))
    print(table(rows, head))


if __name__ == "__main__":
    main()
