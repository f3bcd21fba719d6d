"""Probes of connections that are kept: the list of models is asked for after something else was answered.

What comes first is answered whole, refused with its body unwanted, asked for without a body, or streamed.
"""

from __future__ import annotations

import dataclasses

from wiremark_conformance.probes.chat import plain_body
from wiremark_conformance.probes.errors import NO_ROUTE
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, chat, path


def _after(first: Drafter) -> Drafter:
    def draft(context: ProbeContext) -> Draft:
        return Draft("GET", path(context, "models.list"), after=first(context))

    return draft


def _stranger(context: ProbeContext) -> Draft:
    """A question with a key that nobody has; many a server answers it without reading on."""
    return chat(context, plain_body(), key="wrong")


def _lost(context: ProbeContext) -> Draft:
    return dataclasses.replace(chat(context, plain_body()), target=context.target.base_path + NO_ROUTE)


def _head(context: ProbeContext) -> Draft:
    return Draft("HEAD", path(context, "models.list"))


def _stream(context: ProbeContext) -> Draft:
    return chat(context, plain_body(stream=True))


TABLE = (
    Probe("http.reuse.answer", _after(lambda c: chat(c, plain_body())), capability="chat", requests=2),
    Probe("http.reuse.stranger", _after(_stranger), capability="auth", requests=2),
    Probe("http.reuse.lost", _after(_lost), capability="errors", requests=2),
    Probe("http.reuse.head", _after(_head), capability="models", requests=2),
    Probe("http.reuse.stream", _after(_stream), capability="chat.stream", requests=2),
)
