"""Images."""

from __future__ import annotations

import re

from wiremark_conformance.checking import accepted, check, each, refused, tolerated
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.probes.parts import INTERNAL
from wiremark_conformance.values import shown

accepted("chat.vision.accepted", "chat.vision")
accepted("chat.vision.large", "chat.vision.large")
refused("chat.vision.text-only-refused", "chat.vision.text-only")
refused("chat.vision.remote-refused", "chat.vision.remote")
refused("chat.vision.broken-refused", "chat.vision.broken")
tolerated("chat.vision.bare-url", "chat.vision.bare-url")

_INTERNAL = tuple(f"chat.vision.internal.{number}" for number in range(len(INTERNAL)))
accepted("chat.vision.sample", "chat.vision.sample")


@each("chat.vision.internal-refused", *_INTERNAL, expects="refusal")
def internal(view: View) -> Outcome:
    if view.declined:
        return None
    return f"an address within the endpoint's own network was answered {view.status_line}{view.error_text}"


_ABOUT_IMAGES = re.compile(r"image|picture|png|base64|url|media|vision|messages\[", re.IGNORECASE)


@check("chat.vision.broken-named", "chat.vision.broken", expects="error")
def broken_named(view: View) -> Outcome:
    said = f"{view.envelope.get('message')} {view.envelope.get('param')}"
    return None if _ABOUT_IMAGES.search(said) else f"the refusal says {shown(view.envelope.get('message'))}"
