"""Agents that people run in a terminal, configured by files and variables as a document prints them.

The task has `command`, `files` (below the home folder) and `variables`; in each of them `{base_url}`,
`{key}`, `{model}`, `{home}`, `{bin}`, `{node_modules}` and `{ask}` stand for what they are. Each thing is
done with a home folder of its own and nothing else of this machine's environment.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import told
from told import Task

_SECONDS = 150


def _run(task: Task, ask: str, key: str | None = None, home: str | None = None) -> tuple[int, str]:
    """Exit code, and everything that the user sees."""
    if home is None:
        with tempfile.TemporaryDirectory() as made:
            return _run(task, ask, key, made)
    values = {
        "base_url": task["base_url"],
        "key": key or task["keys"]["default"],
        "model": task["model"],
        "home": home,
        "bin": task["bin"],
        "node_modules": task["node_modules"],
        "ask": ask,
    }

    def filled(text: str) -> str:
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    for name, text in task.get("files", {}).items():
        path = Path(home, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(text), encoding="utf-8")
    work = Path(home, "work")
    work.mkdir(exist_ok=True)
    programs = f"{task['bin']}{os.pathsep}{os.environ['PATH']}"
    plain = {"PATH": programs, "HOME": home, "LANG": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(
        [filled(word) for word in task["command"]],
        cwd=work,
        env={**plain, **{name: filled(value) for name, value in task.get("variables", {}).items()}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def any_text(task: Task) -> dict[str, Any]:
    code, said = _run(task, task["say"])
    return {"exit": code, "says": said}


def any_tools(task: Task) -> dict[str, Any]:
    """The agent reads a file with a tool of its own, because the model asked for it.

    The file may say the same in so many `lines`, so many `times` in each: where an agent adds numbers to the
    question, the model takes them for the place to begin at.
    """
    with tempfile.TemporaryDirectory() as home:
        note = Path(home, "work", "note.txt")
        note.parent.mkdir()
        words = told.get_weather("Paris")
        line = ", ".join([words] * task.get("times", 1)) + "\n"
        note.write_text(line * task.get("lines", 1), encoding="utf-8")
        code, said = _run(task, task["read"].format(path=note), home=home)
    return {"exit": code, "says": said}


def any_errors(task: Task) -> dict[str, Any]:
    code, said = _run(task, "Hello", f"{task['keys']['default']}-wrong")
    return {"invalid_key": {"exit": code, "says": said}}


if __name__ == "__main__":
    told.main(globals())
