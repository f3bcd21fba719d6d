"""What is asked of an image, once it is in order. The prompt is not kept: a digest decides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wiremark_server.dialects import images
from wiremark_server.dialects.validation import RequestSchema
from wiremark_server.domain import problem
from wiremark_server.media.guard import Guard

_SCHEMA = RequestSchema("media/images.request")
_WIDE = frozenset({"16:9", "9:16", "1:2", "2:1", "21:9", "9:21"})  # ratios that 4k is made in
_EDGES = {"1k": 1024, "2k": 2048, "4k": 4096}  # pixels of the longer edge


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """seed: digest of everything that decides what is made
    references: remote images to look at
    """

    model: str
    size: str
    resolution: str
    seed: str
    references: tuple[str, ...]
    webhook_url: str | None

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        ratio = "1:1" if self.size == "auto" else self.size
        width, height = (int(part) for part in ratio.split(":"))
        edge = _EDGES[self.resolution]
        longer = max(width, height)
        return edge * width // longer, edge * height // longer


def decode(document: dict[str, Any], guard: Guard) -> ImageRequest:
    """Raises ProblemError with the path of what is wrong, before anything is charged."""
    _SCHEMA.check(document)
    size, resolution = document.get("size") or "1:1", document.get("resolution") or "1k"
    if resolution == "4k" and size not in _WIDE:
        raise problem.invalid_request(
            f"Invalid value for 'resolution': 4k is made in the sizes {', '.join(sorted(_WIDE))} only.",
            "resolution",
        )
    webhook = document.get("webhook_url")
    if webhook is not None:
        guard.check(webhook, "webhook_url")
    return ImageRequest(
        document["model"],
        size,
        resolution,
        hashlib.sha256(repr((document["prompt"], size, resolution)).encode()).hexdigest(),
        _references(document, guard),
        webhook,
    )


def _references(document: Mapping[str, Any], guard: Guard) -> tuple[str, ...]:
    """The remote ones; data URLs are checked at once and need not be fetched."""
    remote = []
    for position, url in enumerate(document.get("image_urls") or ()):
        param = f"image_urls[{position}]"
        if url.startswith("data:"):
            images.check(url, param)
        else:
            guard.check(url, param)
            remote.append(url)
    return tuple(remote)
