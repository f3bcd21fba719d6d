"""The bundled profiles: every number has a source, and the step model gives the published times back."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
import yaml
from wiremark_server.engine import pace
from wiremark_server.engine.pace import Batched

BOOK: dict[str, Any] = yaml.safe_load((files("wiremark_server.engine") / "profiles.yaml").read_text("utf-8"))
KINDS = {"published", "midpoint", "interpolated", "derived", "default", "assumed"}


@pytest.mark.parametrize("name", BOOK["profiles"])
def test_every_number_is_cited(name: str) -> None:
    row = BOOK["profiles"][name]
    assert set(row) == {"model", "hardware", "numbers"}
    for number in row["numbers"].values():
        assert set(number) == {"value", "kind", "source", "note"}
        assert number["value"] > 0
        assert number["kind"] in KINDS
        assert number["source"] in BOOK["sources"]
        assert number["note"]


@pytest.mark.parametrize("name", BOOK["profiles"])
def test_the_step_model_gives_the_published_times(name: str) -> None:
    found = pace.profile(name)
    assert isinstance(found, Batched)
    numbers = {key: number["value"] for key, number in BOOK["profiles"][name]["numbers"].items()}
    alone = found.step + found.per_sequence
    full = found.step + found.per_sequence * found.max_num_seqs
    assert alone * 1000 == pytest.approx(numbers["inter_token_ms"])
    assert full / alone == pytest.approx(numbers["load_factor"])
    first = found.admission + found.step + 256 * found.per_prefill_token
    published = numbers["prefill_overhead_ms"] + 256 * numbers["prefill_ms_per_token"]
    assert first * 1000 == pytest.approx(published)


def test_profiles_are_found_by_name_and_overridable() -> None:
    assert pace.names()[:2] == ("instant", "fixed")
    assert pace.profile("fixed", ttft=1.5) == pace.Fixed(name="fixed", ttft=1.5)
    changed = pace.profile("8b-h100", max_num_seqs=256)
    assert isinstance(changed, Batched)
    assert changed.max_num_seqs == 256
    with pytest.raises(pace.UnknownProfile, match="'nope'; choose one of instant, fixed, 8b-h100"):
        pace.profile("nope")
