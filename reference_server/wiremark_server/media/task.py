"""A media task as a value: what it takes to show it, and to go on with it after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec

from wiremark_server.media.request import ImageRequest

Status = Literal["pending", "processing", "completed", "failed"]
Notice = Literal["none", "due", "delivered", "given up"]

_MICRO = 1_000_000


@dataclass(slots=True)
class Task:
    """request_id: names the charge in the ledger; url: where the image will be
    notice:     what has become of the webhook; attempts: how often it was tried
    """

    id: str
    key_id: str
    request_id: str
    model: str
    charge: int
    url: str
    size: str
    resolution: str
    seed: str
    references: list[str]
    webhook_url: str | None
    status: Status = "pending"
    error: str | None = None
    notice: Notice = "none"
    attempts: int = 0

    @classmethod
    def of(
        cls, task_id: str, key_id: str, request_id: str, charge: int, url: str, asked: ImageRequest
    ) -> Task:
        return cls(
            task_id,
            key_id,
            request_id,
            asked.model,
            charge,
            url,
            asked.size,
            asked.resolution,
            asked.seed,
            list(asked.references),
            asked.webhook_url,
            notice="due" if asked.webhook_url else "none",
        )

    @classmethod
    def from_text(cls, text: str) -> Task:
        return cls(**msgspec.json.decode(text))

    @property
    def text(self) -> str:
        return msgspec.json.encode(asdict(self)).decode()

    @property
    def made(self) -> bool:
        """Whether it is completed or failed."""
        return self.status in {"completed", "failed"}

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.made and self.notice != "due"

    @property
    def asked(self) -> ImageRequest:
        return ImageRequest(
            self.model, self.size, self.resolution, self.seed, tuple(self.references), self.webhook_url
        )

    def accepted(self) -> Mapping[str, Any]:
        """The answer to the request that made it; dollars with five decimals or more."""
        whole, micro = divmod(self.charge, _MICRO)
        decimals = f"{micro:06}".removesuffix("0")
        return {
            "task_id": self.id,
            "status": "pending",
            "model": self.model,
            "charge": f"{whole}.{decimals}",
        }

    def shown(self) -> Mapping[str, Any]:
        """As its owner sees it."""
        shown: dict[str, Any] = {"task_id": self.id, "status": self.status, "model": self.model}
        if self.status == "completed":
            shown["result"] = {"urls": [self.url]}
        if self.status == "failed":
            shown["error"] = {"code": "reference_unreachable", "message": self.error}
        return shown
