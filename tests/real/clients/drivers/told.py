"""What every Python driver does: use a client as its documentation shows, tell what it handed over.

Tasks are a JSON array on standard input, each with `base_url`, `keys` by role, `model`, `format`, what to do
(`does`) and what to ask. The answer is a JSON array as long: for each thing done what the client's user got,
or `{"raised": …, "text": …}`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

Task = Mapping[str, Any]
Ability = Callable[[Task], Any]


class City(BaseModel):
    """What structured output is asked to be."""

    city: str
    population: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return "21 °C and sunny" if city == "Paris" else f"no station in {city!r}"


PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "The weather of a city", "parameters": PARAMETERS}
TOOL = {"type": "function", "function": FUNCTION}


def refusal(call: Callable[[], object]) -> dict[str, Any]:
    """How a client tells its user of an error: the class, the status and code it gives, and the words."""
    try:
        got = call()
    except Exception as error:  # noqa: BLE001 - whatever is raised is what the user gets
        return {
            "raised": type(error).__name__,
            "status": getattr(error, "status_code", None) or getattr(error, "code", None),
            "text": str(error),
        }
    return {"raised": None, "text": repr(got)}


def errors(task: Task, ask: Callable[[str, str], object]) -> dict[str, Any]:
    """One refusal for each situation. ask: sends a question with a key and a model."""
    keys = task["keys"]
    return {
        "unknown_model": refusal(lambda: ask(keys["default"], "no-such-model")),
        "invalid_key": refusal(lambda: ask(f"{keys['default']}-wrong", task["model"])),
        "insufficient_credits": refusal(lambda: ask(keys["exhausted"], task["model"])),
        "rate_limited": refusal(lambda: ask(keys["throttled"], task["model"])),
    }


def main(functions: Mapping[str, Any]) -> None:
    """functions: `FORMAT_WHAT`, or `any_WHAT` where a client is used alike in every format, by name."""
    print(json.dumps([_done(task, functions) for task in json.load(sys.stdin)]))


def _done(task: Task, functions: Mapping[str, Any]) -> dict[str, Any]:
    told = {}
    for name in task["does"]:
        ability: Ability = functions.get(f"{task['format']}_{name}") or functions[f"any_{name}"]
        try:
            told[name] = ability(task)
        except Exception as error:  # noqa: BLE001 - whatever is raised is what the user gets
            told[name] = {"raised": type(error).__name__, "text": str(error)}
    return told
