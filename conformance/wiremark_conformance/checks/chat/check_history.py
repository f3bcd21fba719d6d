"""Which requests are accepted."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, refused, tolerated

accepted("chat.minimal", "chat.minimal")
accepted("chat.echo-back", "chat.echo-back")
accepted("chat.content-parts", "chat.content-parts")
accepted("chat.developer-role", "chat.developer")
accepted("chat.null-parameters", "chat.nulls")
accepted("chat.null-options", "chat.nulls.options")
accepted("chat.content-parts.roles", "chat.content-parts.roles")
accepted("chat.roles", "chat.roles")
refused("chat.parts.unknown-refused", "chat.parts.unknown")
tolerated("chat.parts.settled", "chat.parts.audio", "chat.parts.unknown")
tolerated("chat.unknown-parameter", "chat.unknown-parameter")
