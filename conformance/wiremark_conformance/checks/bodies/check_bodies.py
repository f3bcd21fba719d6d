"""Bodies at the edge of JSON: what is refused, what is settled either way."""

from __future__ import annotations

import json

from wiremark_conformance.checking import accepted, check, refused, tolerated
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes.bodies import WORDS_AFTER_NUL

refused("bodies.invalid-utf8", "bodies.invalid-utf8")
refused("bodies.deep", "bodies.deep")
refused("bodies.huge-number", "bodies.huge-number")
refused("bodies.nan", "bodies.nan")
accepted("bodies.charset", "bodies.charset")
accepted("bodies.expect", "bodies.expect")
tolerated(
    "bodies.settled",
    "bodies.invalid-utf8",
    "bodies.bom",
    "bodies.duplicate",
    "bodies.deep",
    "bodies.huge-number",
    "bodies.nan",
    "bodies.nul",
    "bodies.surrogate",
    "bodies.gzip",
)


@check("bodies.gzip", "bodies.gzip", expects="refusal")
def compressed(view: View) -> Outcome:
    if view.succeeded or view.status == 415:
        return None
    return f"a gzip body was answered {view.status_line}{view.error_text}, not read and not refused with 415"


@check("bodies.nul-kept", "bodies.nul.without", "bodies.nul")
def nul_kept(plain: View, view: View) -> Outcome:
    """The words after the NUL are counted, so they were read."""
    before, after = plain.count("prompt_tokens"), view.count("prompt_tokens")
    if before == 0:
        raise NotTestable("prompt tokens are not counted")
    if after >= before + WORDS_AFTER_NUL // 2:
        return None
    return f"a prompt with {WORDS_AFTER_NUL} words after a NUL counts {after} tokens, without them {before}"


@check("bodies.no-surrogate", "bodies.surrogate", expects="any")
def no_surrogate(view: View) -> Outcome:
    try:
        json.dumps(view.object, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "the answer holds a lone surrogate; openai-python cannot write it out again"
    return None
