"""Images."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, refused

accepted("chat.vision.accepted", "chat.vision")
refused("chat.vision.text-only-refused", "chat.vision.text-only")
refused("chat.vision.remote-refused", "chat.vision.remote")
