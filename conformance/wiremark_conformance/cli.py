"""`wiremark`: one table of commands, each loaded only when it is called.

A command is a function `(argv) -> exit code` that its package registers in the entry-point group
`wiremark.commands`. Exit codes of all of them: 0 good, 1 findings, 2 wrong use, 3 the endpoint could
not be judged.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from wiremark_conformance.version import version

GROUP = "wiremark.commands"
WRONG_USE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

CommandFunction = Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the help. `extra` names what has to be installed for it: `wiremark[server]`."""

    name: str
    help: str
    extra: str = ""


COMMANDS = (
    Command("check", "hold an endpoint to a contract, requirement by requirement"),
    Command("record", "hold an endpoint to a contract, and record what was said"),
    Command("judge", "judge a recording again, without a network"),
    Command("compare", "show where endpoints differ, requirement by requirement"),
    Command("requirements", "list the requirements, or explain one"),
    Command("serve", "run the reference server", extra="server"),
    Command("faults", "list what the reference server can do wrong on demand", extra="server"),
    Command("keys", "create, list, rotate, disable and revoke the reference server's keys", extra="server"),
    Command("ledger", "verify the reference server's billing ledger", extra="server"),
    Command("load", "load an endpoint with streaming chats and audit its bill", extra="load"),
    Command("selftest", "show that every check can fail and none cries wolf", extra="server"),
    Command("report", "render report.json and load.json as one HTML file"),
    Command("demo", "the main job, end to end, on this machine", extra="all"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names; the process's own arguments by default."""
    args = list(sys.argv[1:] if argv is None else argv)
    if not args or args[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0
    if args[0] in {"-V", "--version"}:
        print(f"wiremark {version()}")
        return 0
    command = next((command for command in COMMANDS if command.name == args[0]), None)
    if command is None:
        return _complain(_unknown(args[0]))
    try:
        return _load(command)(args[1:])
    except MissingExtraError as problem:
        return _complain(str(problem))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone; not our error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def usage() -> str:
    """The help of the command line: one line a command."""
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:<{width}}  {command.help}" for command in COMMANDS]
    return "\n".join(
        [
            "usage: wiremark COMMAND [OPTION …]",
            "",
            "Conformance and load tests for OpenAI-compatible LLM endpoints.",
            "",
            *lines,
            "",
            "`wiremark COMMAND --help` tells more. In pytest: pytest --base-url=http://127.0.0.1:8000/v1",
        ]
    )


class MissingExtraError(Exception):
    """A command's dependencies are not installed; the text says what to install."""


def _load(command: Command) -> CommandFunction:
    try:
        (entry,) = entry_points(group=GROUP, name=command.name)
        function: CommandFunction = entry.load()
    except ModuleNotFoundError as error:
        if not command.extra or (error.name or "").startswith("wiremark"):
            raise
        raise MissingExtraError(
            f"`wiremark {command.name}` needs {error.name}, which is not installed: "
            f"pip install 'wiremark[{command.extra}]'"
        ) from None
    return function


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, [command.name for command in COMMANDS], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no command {name!r}{hint} (`wiremark --help` lists all)"


def _complain(sentence: str) -> int:
    print(f"wiremark: {sentence}", file=sys.stderr)
    return WRONG_USE


if __name__ == "__main__":
    sys.exit(main())
