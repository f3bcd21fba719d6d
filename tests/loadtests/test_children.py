"""Children never outlive the block that started them."""

from __future__ import annotations

import signal
import sys

import pytest
from wiremark_loadtests import children

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\n"


def test_a_child_ends_with_its_block() -> None:
    with children.running(SLEEP) as child:
        assert child.poll() is None
    assert child.returncode == -signal.SIGTERM


def test_a_child_ends_when_the_block_fails() -> None:
    with pytest.raises(KeyboardInterrupt), children.running(SLEEP) as child:
        raise KeyboardInterrupt
    assert child.returncode == -signal.SIGTERM


def test_sigterm_ends_the_children_too() -> None:
    with pytest.raises(SystemExit) as caught, children.running(SLEEP) as child:
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.code == 128 + signal.SIGTERM
    assert child.returncode == -signal.SIGTERM


def test_a_child_that_will_not_end_is_killed() -> None:
    command = [sys.executable, "-c", STUBBORN + "time.sleep(60)"]
    with children.running(command, piped=True) as child:
        assert children.Output(child).line_with("up", 10) == ""
        assert children.stop(child, grace=0.05) == -signal.SIGKILL


def test_finds_the_line_it_waits_for() -> None:
    command = [sys.executable, "-c", "print('one'); print('listening on http://x')"]
    with children.running(command, piped=True) as child:
        assert children.Output(child).line_with("listening on ", 10) == "http://x"


def test_a_child_that_ends_without_the_line_is_noticed() -> None:
    with children.running([sys.executable, "-c", "print('sorry')"], piped=True) as child:
        output = children.Output(child)
        assert output.line_with("listening on ", 10) is None
        assert list(output.last) == ["sorry"]
