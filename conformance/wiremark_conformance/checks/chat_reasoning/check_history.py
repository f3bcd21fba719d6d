"""Reasoning in what is sent to the endpoint."""

from __future__ import annotations

from wiremark_conformance.checking import accepted

accepted("chat.reasoning.echo-back", "chat.reasoning.echo-back")
accepted("chat.reasoning.switches", "chat.switches")
