"""A run without Locust: what input is refused, what the endpoint must answer, how the audit is read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from wiremark_loadtests import summary
from wiremark_loadtests.bill.billing import Billing, CannotJudge
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.generating import Generator, Share
from wiremark_loadtests.measure.tally import Moments
from wiremark_loadtests.run import Run
from wiremark_loadtests.settings import Given, Settings, WrongUse, resolve
from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator

AT = Moments(0, 0, 1_000_000, 5_000_000)
KEY = "hermes_pk_made_up"
MODEL = "deepseek-v4-flash"
HERMES = Given("http://127.0.0.1:9/api/v1", contract="hermes-tokens", seed=1)


def _row(request_id: str, amount: int = 3, **changes: Any) -> dict[str, Any]:
    row = {"request_id": request_id, "created": 1, "model": MODEL, "status": 200, "state": "settled"}
    return row | {"prompt_tokens": 11, "completion_tokens": 3, "amount_microusd": amount} | changes


def _settings(gateway: Any, **changes: Any) -> Settings:
    given = replace(HERMES, base_url=gateway.base_url, api_key=KEY)
    return resolve(replace(given, **changes), {})


def _run(settings: Settings) -> Run:
    """A run whose clock moves only when it waits."""
    moment = [0.0]

    def pause(seconds: float) -> None:
        moment[0] += seconds

    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Run(settings, 1, now=lambda: now, monotonic=lambda: moment[0], pause=pause)


def _answered(run: Run, request_id: str) -> None:
    run.tally.started += 1
    receipt = Receipt(request_id, "default", MODEL, Outcome.OK, 200, (11, 3), False)
    run.tally.add(receipt, Answer(Outcome.OK, "", (11, 3), 2_000_000, (1_000_000,)), AT, run.settings.slo)


REFUSED: dict[str, Given] = {
    "a base URL is needed": replace(HERMES, base_url=None),
    "has no scheme": replace(HERMES, base_url="127.0.0.1:9/v1"),
    "no contract called 'nope'": replace(HERMES, contract="nope"),
    "has no model 'gpt-x'; it lists deepseek-v4-flash": replace(HERMES, model="gpt-x"),
    "lists no model; name one with --model": replace(HERMES, contract="generic"),
    "no scenario called 'nope'": replace(HERMES, scenario="nope"),
    "no such credentials file": replace(HERMES, credentials="nowhere.yaml"),
    "must be ASCII text without spaces": replace(HERMES, api_key="a b"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_bad_input_is_refused_with_a_sentence(message: str) -> None:
    with pytest.raises(WrongUse) as caught:
        resolve(REFUSED[message], {})
    assert message in str(caught.value)


def test_a_credentials_file_needs_the_default_role(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(f"revoked: {KEY}\n")
    with pytest.raises(WrongUse, match="no key of the role 'default'") as caught:
        resolve(replace(HERMES, credentials=str(path)), {})
    assert KEY not in str(caught.value)


def test_the_report_needs_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(WrongUse, match="is not a folder"):
        resolve(replace(HERMES, out=str(path)), {})


def test_keys_come_in_order_and_never_show(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text("default: from-file\n")
    environment = {"OPENAI_API_KEY": "openai", "WIREMARK_API_KEY": "own"}
    typed = replace(HERMES, credentials=str(path), api_key="typed")
    assert resolve(typed, environment).keys.get("default") == "typed"
    assert resolve(replace(typed, api_key=None), environment).keys.get("default") == "from-file"
    assert resolve(HERMES, environment).keys.get("default") == "own"
    assert resolve(HERMES, {}).keys.get("default") is None
    assert "typed" not in repr(typed) + repr(resolve(typed, environment))


def test_a_model_without_tools_gets_none() -> None:
    entries = resolve(replace(HERMES, model="hermes-text-only"), {}).scenario.mix
    assert not any(entry.tools for entry in entries)


def test_reads_only_the_rows_of_the_run_over_several_pages(gateway: Any) -> None:
    gateway.rows[:] = [_row(f"old-{i}") for i in range(150)]
    billing = Billing(_settings(gateway))
    mark = billing.mark()
    gateway.rows[:0] = [_row(f"new-{i}") for i in range(250)]
    assert [row.request_id for row in billing.since(mark)] == [f"new-{i}" for i in range(250)]


def test_reads_everything_when_the_ledger_was_empty(gateway: Any) -> None:
    gateway.rows.clear()
    billing = Billing(_settings(gateway))
    mark = billing.mark()
    gateway.rows[:] = [_row(f"new-{i}") for i in range(101)]
    assert len(billing.since(mark)) == 101


def test_a_clean_run_is_good(gateway: Any, tmp_path: Path) -> None:
    run = _run(_settings(gateway, out=str(tmp_path)))
    run.begin()
    gateway.rows.insert(0, _row("a"))
    _answered(run, "a")
    result = run.finish()
    assert result.exit_code == 0
    assert "ledger audit: no discrepancy; 1 receipts, 1 ledger rows, expected 3 µUSD" in result.text
    assert violations(validator("meta/load-report"), result.document) == []
    assert json.loads((tmp_path / "load.json").read_text()) == result.document
    assert (tmp_path / "report.html").stat().st_size > 0
    assert KEY not in result.text + json.dumps(result.document) + (tmp_path / "report.html").read_text()


def test_one_microusd_too_much_is_found_and_named(gateway: Any) -> None:
    run = _run(_settings(gateway))
    run.begin()
    gateway.rows.insert(0, _row("a", amount=4))
    _answered(run, "a")
    result = run.finish()
    assert result.exit_code == 1
    assert "wrong-amount                 3         4  a: charged 4, not 3: 11 + 3 tokens" in result.text
    assert result.document["audit"]["discrepancies"][0]["request_id"] == "a"


def test_a_charge_that_settles_late_is_waited_for(gateway: Any) -> None:
    run = _run(_settings(gateway))
    run.begin()
    gateway.rows.insert(0, _row("a", state="held"))
    _answered(run, "a")
    run._pause = lambda _: gateway.rows[0].update(state="settled")
    assert run.finish().exit_code == 0


def test_a_charge_that_never_settles_is_missing(gateway: Any) -> None:
    run = _run(_settings(gateway))
    run.begin()
    _answered(run, "a")
    result = run.finish()
    assert [entry["kind"] for entry in result.document["audit"]["discrepancies"]] == ["missing"]


def test_a_negative_balance_is_found(gateway: Any) -> None:
    run = _run(_settings(gateway))
    run.begin()
    gateway.rows.insert(0, _row("a"))
    gateway.funds = 999 + 2
    _answered(run, "a")
    found = run.finish().document["audit"]["discrepancies"]
    assert [entry["kind"] for entry in found] == ["negative-balance", "wrong-total"]


def _contract(folder: Path, *operations: str) -> str:
    """A contract like hermes-tokens that declares no other ways to read the ledger."""
    document = yaml.safe_load(files("wiremark_schemas").joinpath("contracts", "openai.yaml").read_text())
    document |= {"name": "black-box", "base_path": "/api/v1"}
    document["operations"] = {
        "models.list": {"method": "GET", "paths": ["/models"]},
        "chat.create": {"method": "POST", "paths": ["/chat/completions"]},
    }
    for operation, path in (("usage.export", "/usage.csv"), ("balance.get", "/balance")):
        if operation in operations:
            document["operations"][operation] = {"method": "GET", "paths": [path]}
    price = {"input_per_million": 140000, "output_per_million": 280000}
    document["models"] = [document["models"][0] | {"id": MODEL, "price": price}]
    written = folder / "black-box.yaml"
    written.write_text(yaml.safe_dump(document))
    return str(written)


@pytest.mark.parametrize(("amount", "kinds"), [(3, []), (4, ["wrong-total"]), (0, ["wrong-total"])])
def test_a_balance_alone_shows_totals(gateway: Any, tmp_path: Path, amount: int, kinds: list[str]) -> None:
    run = _run(_settings(gateway, contract=_contract(tmp_path, "balance.get")))
    run.begin()
    gateway.rows.insert(0, _row("a", amount=amount))
    _answered(run, "a")
    result = run.finish()
    assert [entry["kind"] for entry in result.document["audit"]["discrepancies"]] == kinds
    assert result.document["audit"]["basis"] == "balance"
    assert result.exit_code == (1 if kinds else 0)


@pytest.mark.parametrize(("amount", "kinds"), [(3, []), (4, ["wrong-amount"]), (0, ["free-success"])])
def test_an_export_shows_every_request(gateway: Any, tmp_path: Path, amount: int, kinds: list[str]) -> None:
    run = _run(_settings(gateway, contract=_contract(tmp_path, "usage.export")))
    run.begin()
    gateway.rows.insert(0, _row("a", amount=amount))
    _answered(run, "a")
    audit = run.finish().document["audit"]
    assert [entry["kind"] for entry in audit["discrepancies"]] == kinds
    assert (audit["basis"], audit["ledger_rows"]) == ("rows", 1)


def test_no_usage_operation_means_no_audit_and_says_so(gateway: Any) -> None:
    run = _run(_settings(gateway, contract="generic", model="m"))
    run.begin()
    _answered(run, "a")
    result = run.finish()
    assert (result.exit_code, result.document["audit"]) == (0, None)
    assert "not possible: the contract 'generic' declares no usage operation" in result.text


def test_what_a_lost_worker_asked_for_is_no_fault_of_the_endpoint(gateway: Any) -> None:
    run = _run(_settings(gateway))
    run.begin()
    gateway.rows[:0] = [_row("a"), _row("nobody-s")]
    _answered(run, "a")
    run.lost_workers = 1
    result = run.finish()
    assert (result.exit_code, result.document["audit"]["discrepancies"]) == (3, [])


def test_a_lost_worker_makes_the_run_unjudged(gateway: Any) -> None:
    run = _run(_settings(gateway, contract="generic", model="m"))
    run.begin()
    _answered(run, "a")
    run.lost_workers = 1
    result = run.finish()
    assert result.exit_code == 3
    assert "1 worker(s) never reported" in result.text


UNJUDGED = {
    "check the API key": {"api_key": "wrong"},
    "does not": {"base_url": "http://127.0.0.1:9/api/v1"},
    "status 404; check the base URL and its path": {"base_url": "/v1"},
}


@pytest.mark.parametrize("message", UNJUDGED)
def test_an_endpoint_that_cannot_be_reached_is_told(gateway: Any, message: str) -> None:
    changes: dict[str, Any] = dict(UNJUDGED[message])
    if changes.get("base_url") == "/v1":
        changes["base_url"] = gateway.base_url + "/v1"
    with pytest.raises(CannotJudge) as caught:
        _run(_settings(gateway, **changes)).begin()
    if message != "does not":  # the words of a refused connection are the client's
        assert message in str(caught.value)


GOOD = {"slo_ms": {}, "share": 1.0}
FEW = {"slo_ms": {"ttft": 1.0}, "share": 0.98}
LOAD: dict[str, Any] = {
    "audit": None,
    "errors": {},
    "requests": {"ok": 1},
    "goodput": GOOD,
    "generator": {"valid": True},
}
EXITS: dict[str, tuple[dict[str, Any], str, int]] = {
    "good": ({}, "", 0),
    "refusals are an endpoint's right": ({"errors": {"http-429": 2}}, "", 0),
    "a discrepancy": ({"audit": {"ok": False}}, "", 1),
    "a broken stream": ({"errors": {"broken-stream:no-done": 1}}, "", 1),
    "a failure": ({"errors": {"http-500": 1}}, "", 1),
    "nothing answered": ({"requests": {"ok": 0}, "errors": {"connect": 9}}, "", 3),
    "an SLO that was met": ({"goodput": FEW | {"share": 0.99}}, "", 0),
    "an SLO that was missed": ({"goodput": FEW}, "", 1),
    "an SLO, and a generator that was too slow": ({"goodput": FEW, "generator": {"valid": False}}, "", 3),
    "no audit where there should be one": ({}, "the audit was not possible", 3),
}


@pytest.mark.parametrize("case", EXITS)
def test_exit_codes(case: str) -> None:
    changes, problem, code = EXITS[case]
    assert summary.exit_code(LOAD | changes, problem) == code


def test_a_broken_report_beside_it_costs_the_load_report_nothing(tmp_path: Path, gateway: Any) -> None:
    (tmp_path / "report.json").write_text("{oops")
    run = _run(_settings(gateway, out=str(tmp_path)))
    run.begin()
    _answered(run, "a")
    run.finish()
    assert (tmp_path / "report.json").read_text() == "{oops"
    assert (tmp_path / "report.html").exists()


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path, gateway: Any) -> None:
    blocked = tmp_path / "out"
    run = _run(_settings(gateway, contract="generic", model="m", out=str(blocked)))
    blocked.write_text("a file came first")
    run.begin()
    _answered(run, "a")
    result = run.finish()
    assert result.exit_code == 3
    assert "the report cannot be written to" in result.text


def test_a_receipt_that_is_lost_is_no_good_run(gateway: Any) -> None:
    def break_off(_: object) -> None:
        raise ValueError("a defect of ours")

    run = _run(_settings(gateway))
    _answered(run, "req_1")
    generator = Generator(run, Share(), bank=False)
    generator.backlog.add(break_off, None)
    generator.stop()
    document = summary.document(run.settings, 1, run.tally, datetime(2026, 1, 2, tzinfo=UTC), 1.0, None)
    assert document["errors"] == {"generator:lost-receipt": 1}
    assert summary.exit_code(document) == 1
