"""What an endpoint that makes images answers to the probes of it."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.probes.media import LOOKS, WRONG

_REFUSAL = {"error": {"message": "That is not made.", "type": "invalid_request_error", "param": None}}


def _task(task_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "status": status, "model": "gpt-image-2", **more}


def _row(probe: str, amount: int, state: str) -> dict[str, Any]:
    return {"request_id": f"req-{probe}", "amount_microusd": amount, "state": state}


def is_ours(probe: str) -> bool:
    return probe.startswith("media.")


def answers() -> dict[str, tuple[int, Any]]:
    """Status and body by probe."""
    urls = {"urls": ["https://cdn.example.com/generated-image.png"]}
    error = {"code": None, "message": "The image at image_urls[0] could not be fetched."}
    found: dict[str, tuple[int, Any]] = {
        "media.submit": (202, _task("media_1", "pending", charge="0.01200")),
        "media.4k": (202, _task("media_2", "pending", charge="0.01200")),
        "media.unreachable": (202, _task("media_3", "pending", charge="0.01200")),
        "media.no-task": (404, dict(_REFUSAL)),
        "media.usage": (
            200,
            {"data": [_row("media.submit", 12000, "settled"), _row("media.unreachable", 0, "refunded")]},
        ),
        **{f"media.wrong.{name}": (400, dict(_REFUSAL)) for name in WRONG},
    }
    for number in range(1, LOOKS + 1):
        over = number > 1
        found[f"media.task.{number}"] = (
            200,
            _task("media_1", "completed", result=urls) if over else _task("media_1", "processing"),
        )
        found[f"media.failed.{number}"] = (
            200,
            _task("media_3", "failed", error=error) if over else _task("media_3", "pending"),
        )
    return found
