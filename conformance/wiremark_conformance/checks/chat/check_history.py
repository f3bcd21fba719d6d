"""Which messages are accepted."""

from __future__ import annotations

from wiremark_conformance.checking import accepted

accepted("chat.echo-back", "chat.echo-back")
accepted("chat.content-parts", "chat.content-parts")
accepted("chat.developer-role", "chat.developer")
accepted("chat.null-parameters", "chat.nulls")
