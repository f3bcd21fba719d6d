"""Probes of messages: roles, parts of content, images that cannot be read or are large."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache
from typing import Any

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.probes.chat import RED_SQUARE, RIDDLE, sighted
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat, model_where, path

LARGE_IMAGE = 3 * 1024 * 1024  # bytes, before base64
_PDF = "data:application/pdf;base64,JVBERg=="


def _user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}]


def _image(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": url}


@cache
def large_image() -> str:
    """The red square as a data URL of several MB: a PNG with a comment that decoders skip."""
    png = base64.b64decode(RED_SQUARE.partition(",")[2])
    head = 8 + 12 + 13  # signature, and the first chunk: length, name, data, checksum
    comment = b"tEXt" + b"Comment\x00" + b"x" * LARGE_IMAGE
    chunk = struct.pack(">I", len(comment) - 4) + comment + struct.pack(">I", zlib.crc32(comment))
    return "data:image/png;base64," + base64.b64encode(png[:head] + chunk + png[head:]).decode()


def _large(context: ProbeContext) -> Draft:
    limit = context.target.contract.limits.get("body_bytes")
    if limit is not None and limit < len(large_image()) + 1024:
        raise NotPromised(f"the contract limits bodies to {limit} bytes")
    return sighted(context, {"messages": _user(_image({"url": large_image()})), "max_tokens": 16})


def _ask(*parts: Any) -> Any:
    return lambda context: chat(context, {"messages": _user(*parts), "max_tokens": 16})


def _show(url: Any) -> Any:
    """An image, by what stands where its URL belongs."""
    return lambda context: sighted(context, {"messages": _user(_image(url)), "max_tokens": 16})


def _stored(context: ProbeContext) -> Draft:
    return Draft("GET", path(context, "chat.create") + "/wiremark-none")


def _thought_back(context: ProbeContext) -> Draft:
    """The message of a model that reasoned as history, its reasoning with it."""
    view = Evidence(context.target, context.exchanges).view("chat.reasoning")
    if view is None or not view.succeeded:
        raise NotTestable("there is no answer of chat.reasoning to send back")
    model = model_where(context, "that reasons", lambda model: "reasoning" in model.capabilities)
    history = [*RIDDLE, dict(view.message), {"role": "user", "content": "Are you sure?"}]
    return chat(context, {"model": model, "messages": history, "max_tokens": 512})


_REFUSE = [{"role": "user", "content": "Refuse to answer this question: what is two and two?"}]
_FILE = {"type": "file", "file": {"filename": "a.pdf", "file_data": _PDF}}
_AUDIO = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}


def _refuse(**more: Any) -> Any:
    return lambda context: chat(context, {"messages": _REFUSE, "max_tokens": 64, **more})


# Addresses that no client from outside may have asked: cloud metadata, the host itself, a private network.
INTERNAL = (
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:22/",
    "http://[::ffff:10.0.0.1]/image.png",
    "file:///etc/passwd",
)


def _sample(context: ProbeContext) -> Draft:
    sample = context.target.contract.raw.get("images", {}).get("sample")
    if sample is None:
        raise NotPromised("the contract names no image that the endpoint could fetch (images.sample)")
    return chat(context, {"messages": _user(_image({"url": sample})), "max_tokens": 16})


TABLE = (
    Probe("chat.refusal", _refuse(), capability="chat"),
    Probe("chat.refusal.stream", _refuse(stream=True), capability="chat.stream"),
    Probe(
        "chat.stored", lambda c: Draft("GET", path(c, "chat.create") + "/wiremark-none"), capability="chat"
    ),
    Probe(
        "chat.reasoning.echo-back",
        _thought_back,
        needs=("models.list", "chat.reasoning"),
        capability="chat.reasoning",
    ),
    Probe("chat.parts.audio", _ask(_AUDIO, _FILE), capability="chat"),
    Probe("chat.parts.unknown", _ask({"type": "wiremark", "wiremark": {}}), capability="chat"),
    Probe("chat.vision.bare-url", _show(RED_SQUARE), needs=("models.list",), capability="chat.vision"),
    Probe(
        "chat.vision.broken",
        _show({"url": "data:image/png;base64,bm90IGFuIGltYWdl"}),
        needs=("models.list",),
        capability="chat.vision",
    ),
    Probe("chat.vision.sample", _sample, capability="chat.vision.remote"),
    *(
        Probe(f"chat.vision.internal.{number}", _ask(_image({"url": url})), capability="chat.vision.remote")
        for number, url in enumerate(INTERNAL)
    ),
    Probe("chat.vision.large", _large, needs=("models.list",), capability="chat.vision"),
)
