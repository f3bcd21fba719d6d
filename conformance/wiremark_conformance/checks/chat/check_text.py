"""What stands in the text of an answer that no model means to say."""

from __future__ import annotations

import re

from wiremark_conformance.checking import each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.values import members, shown

LOST = "\ufffd"  # what stands where bytes were no character
# By which chat templates mark turns; `</s>` is also a tag, so it counts at the end alone.
_CONTROL = re.compile(
    r"<\|(?:im_start|im_end|eot_id|eom_id|endoftext|end_of_text|begin_of_text|start_header_id|end_header_id"
    r"|end|return|channel|python_tag)\|>|<(?:start|end)_of_turn>|<\uff5cend\u2581of\u2581sentence\uff5c>|</s>\s*\Z"
)
_WHOLE = ("chat.plain", "chat.minimal")


def _contents(view: View) -> list[str]:
    found = [members(choice.get("message")).get("content") for choice in view.choices]
    return [text for text in found if isinstance(text, str)]


@each("chat.whole-characters", *_WHOLE)
def whole_characters(view: View) -> Outcome:
    broken = [text for text in _contents(view) if LOST in text]
    return f"the text has U+FFFD, where a character was lost: {shown(broken[0])}" if broken else None


def control_token(texts: list[str]) -> Outcome:
    """The first mark of a turn in these texts, as a sentence."""
    found = next((mark[0] for text in texts if (mark := _CONTROL.search(text))), None)
    return f"the text has {found.strip()!r}, which marks a turn in a chat template" if found else None


@each("chat.no-control-tokens", *_WHOLE)
def no_control_tokens(view: View) -> Outcome:
    return control_token(_contents(view))
