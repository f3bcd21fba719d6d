"""Which requests are accepted."""

from __future__ import annotations

from wiremark_conformance.checking import accepted

accepted("chat.minimal", "chat.minimal")
accepted("chat.echo-back", "chat.echo-back")
accepted("chat.content-parts", "chat.content-parts")
accepted("chat.developer-role", "chat.developer")
accepted("chat.null-parameters", "chat.nulls")
