"""Codes of refusals, where a contract may promise others than the reference has."""

from __future__ import annotations

from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, Outcome
from wiremark_conformance.values import shown


def usual(view: View, situation: str, code: str) -> Outcome:
    """A refusal without the reference's code. Raises NotPromised where the contract has one of its own."""
    problem = view.target.problem(situation)
    if problem is not None and problem.code != code:
        raise NotPromised(f"the contract promises the code {shown(problem.code)}")
    found = view.envelope.get("code")
    return None if found == code else f"`error.code` is {shown(found)}"
