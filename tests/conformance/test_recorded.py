"""Runs recorded and judged again: the same report to the byte, no key, and refusals with line and reason."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wiremark_conformance.session  # noqa: F401 - loaded once, for pytester forgets what its runs load
from wiremark_conformance import recorded, redact
from wiremark_conformance.exchange import Exchange, Part, Request
from wiremark_conformance.replay.commands import judge
from wiremark_schemas.credentials import Credentials

pytestmark = pytest.mark.usefixtures("no_keys")

KEYS = {"default": "sk-recorded-0123456789", "revoked": "sk-revoked-0123456789", "capped": "x"}
MODELS = {"object": "list", "data": [{"id": "m-1", "object": "model", "created": 1}]}
ECHO = {
    "error": {"message": f"{KEYS['default']} \\ {KEYS['revoked']}", "type": "x", "param": None, "code": None}
}
SELECT = "models or errors.envelope or auth or (chat.tools and call)"

Record = Callable[..., Path]


@pytest.fixture
def record(pytester: pytest.Pytester, endpoints: Any) -> Record:
    """Judge an endpoint that refuses nearly everything, and keep report and recording."""

    def run(*args: str, models: Any = MODELS, chat: Any = ECHO, status: int = 401) -> Path:
        answers = {("GET", "/v1/models"): endpoints.answer(models)}
        answers[("POST", "/v1/chat/completions")] = endpoints.answer(chat, status)
        keys = "".join(f"{role}: {key}\n" for role, key in KEYS.items())
        (pytester.path / "keys.yaml").write_text(keys)
        pytester.runpytest(
            f"--base-url={endpoints(answers).url}",
            f"--wiremark-record={pytester.path / 'run' / 'rec.ndjson'}",
            "--wiremark-report=live",
            "--wiremark-credentials=keys.yaml",
            *args,
        )
        return pytester.path

    return run


def _same(folder: Path) -> dict[str, Any]:
    """Judge the recording and hold its report to the live one; the report."""
    judge(["recording", str(folder / "run" / "rec.ndjson"), "--out", str(folder / "again")])
    live, again = ((folder / place / "report.json").read_bytes() for place in ("live", "again"))
    assert live == again
    report: dict[str, Any] = json.loads(live)
    return report


def test_a_recording_gives_the_report_of_the_run(record: Record) -> None:
    report = _same(record("-k", SELECT))
    verdicts = report["summary"]["verdicts"]
    assert verdicts["fail"] > 0
    assert verdicts["warn"] > 1
    assert verdicts["pass"] > 5
    shown = "".join(part["curl"] for row in report["results"] for part in row["evidence"])
    assert '"$API_KEY"' in shown


@pytest.mark.parametrize("key", ["sk-recorded-0123456789", "x", "made-up", "default"])
def test_what_is_recorded_of_a_key_is_shown_as_the_key_was(key: str) -> None:
    asked = Request("GET", f"/v1/models?key={key}", (("Authorization", f"Bearer {key}"), ("x-api-key", key)))
    said = (Part(1, b'{"message": "no \\u0073k-recorded-'), Part(2, b'0123456789"}'))
    live = Exchange("models.list", asked, status=401, headers=(("set-cookie", f"a={key}"),), parts=said)
    keys = {"default": KEYS["default"], "capped": "x", "revoked": "default"}
    names = recorded.names(Credentials(keys))
    kept = recorded.redactor(Credentials(keys)).exchange(live)
    assert redact.evidence(kept, names.values()) == redact.evidence(live, keys.values())
    assert key == "x" or f"Bearer {key}" not in repr(kept)


def test_no_key_is_in_the_recording_or_in_a_report(record: Record) -> None:
    folder = record("-k", SELECT)
    _same(folder)
    for path in (*folder.glob("run/*"), *folder.glob("live/*"), *folder.glob("again/*")):
        text = path.read_text()
        assert KEYS["default"] not in text, path
        assert KEYS["revoked"] not in text, path
    assert "[redacted:revoked]" in (folder / "run" / "rec.ndjson").read_text()


def test_accepted_deviations_are_kept(record: Record, pytester: pytest.Pytester) -> None:
    (pytester.path / "known.yaml").write_text(
        "- {requirement: models.get.accepted, reason: ticket 7, owner: ops, expires: 2999-01-01}\n"
    )
    report = _same(record("-k", "models.get.accepted", "--wiremark-deviations=known.yaml"))
    (row,) = (row for row in report["results"] if row["requirement"] == "models.get.accepted")
    assert row["deviation"]["reason"] == "ticket 7"


def test_further_samples_of_a_model_in_a_mood_are_kept(record: Record) -> None:
    message = {"role": "assistant", "content": "", "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    answer = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [choice]}
    report = _same(
        record("-k", "chat.message", "--wiremark-repeats=3", chat={**answer, "usage": usage}, status=200)
    )
    assert any("held in 0 of 3 tries" in row["message"] for row in report["results"])


def _rewritten(path: Path, change: Callable[[list[Any]], None]) -> None:
    """The recording with lines changed, as one who knows the format could."""
    documents = [json.loads(line) for line in path.read_text().splitlines()][:-1]
    change(documents)
    lines = [json.dumps(document).encode() + b"\n" for document in documents]
    digests = [hashlib.sha256(line).hexdigest() for line in lines]
    whole = hashlib.sha256(b"".join(lines)).hexdigest()
    footer = {"count": len(lines) - 1, "sha256": whole, "lines": [digest[:16] for digest in digests]}
    path.write_bytes(b"".join(lines) + json.dumps(footer).encode() + b"\n")


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda d: d[0]["meta"].update(version="9.9"), 1, "recorded by wiremark 9.9"),
        (lambda d: d[0].update(meta={}), 1, "does not say which version of wiremark"),
        (lambda d: d[0]["meta"].update(version=3), 1, "does not say which version of wiremark"),
        (lambda d: d[0]["meta"].pop("target"), 1, "no recording of a run"),
        (lambda d: d[0]["meta"].update(started="2026-13-45T00:00:00Z"), 1, "there is no day '2026-13-45'"),
        (lambda d: d[0]["meta"]["requirements"].extend(d[0]["meta"]["requirements"]), 1, "/requirements"),
        (lambda d: d.append(d[-1]), -1, "already"),
        (lambda d: d[0]["meta"]["contract"].pop("models"), 1, "its contract is none"),
        (lambda d: d[0]["meta"]["requirements"].append("no.such"), 1, "no requirement 'no.such'"),
        (lambda d: d[1].update(probe="no.such"), 2, "no probe 'no.such'"),
    ],
)
def test_what_is_no_run_of_this_version_is_refused(
    record: Record,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[list[Any]], None],
    line: int,
    words: str,
) -> None:
    path = record("-k", "models.list.object") / "run" / "rec.ndjson"
    _rewritten(path, change)
    capsys.readouterr()
    assert judge([str(path)]) == 2
    said = capsys.readouterr().err
    number = line if line > 0 else len(path.read_text().splitlines()) + line
    assert f"{path}:{number}: " in said
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("version", ["0.0.1", "99.0"])
def test_the_version_is_told_before_a_digest_that_does_not_fit(
    record: Record, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    path = record("-k", "models.list.object") / "run" / "rec.ndjson"
    path.write_text(re.sub(r'"version":"[^"]*"', f'"version":"{version}"', path.read_text(), count=1))
    assert judge([str(path)]) == 2
    assert f"{path}:1: this was recorded by wiremark {version}, and this is " in capsys.readouterr().err


def test_the_exit_code_says_what_was_found(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    good = record("-k", "models.list.object") / "run" / "rec.ndjson"
    assert judge([str(good), "-v"]) == 0
    assert "pass           models.list.object" in capsys.readouterr().out
    renamed = good.rename(good.with_name("run.json"))  # it says itself what it is
    assert judge([str(renamed)]) == 0
    bad = record("-k", "models.list.object", models={"data": MODELS["data"]}) / "run" / "rec.ndjson"
    capsys.readouterr()
    assert judge([str(bad)]) == 1
    assert "_ requirement models.list.object _" in capsys.readouterr().out
    assert judge([str(bad), str(bad.parent / "none")]) == 2


@pytest.mark.parametrize("place", ["", "file/rec.ndjson"])
def test_a_place_that_cannot_hold_a_recording_is_refused_before_the_run(
    pytester: pytest.Pytester, endpoints: Any, place: str
) -> None:
    (pytester.path / "file").write_text("")
    endpoint = endpoints({})
    result = pytester.runpytest(
        f"--base-url={endpoint.url}", f"--wiremark-record={pytester.path / place}", "-k", "models"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert endpoint.seen == []
    result.stderr.fnmatch_lines(["*a recording cannot be written to*"])
