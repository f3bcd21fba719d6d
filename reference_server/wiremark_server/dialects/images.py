"""Image parts: what is accepted as one, and what is refused rather than dropped silently."""

from __future__ import annotations

import base64
import binascii
import re
from contextvars import ContextVar

from wiremark_server.domain import problem

_DATA_URL = re.compile(r"data:image/(png|jpeg|webp|gif);base64,", re.IGNORECASE)
_SIGNATURES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8", "webp": b"RIFF"}


# Where a contract takes remote images: those that a request names, to be fetched once it is admitted.
_remote: ContextVar[list[tuple[str, str]] | None] = ContextVar("remote images", default=None)


class collecting:  # noqa: N801 - used as a statement
    """Within it remote images are accepted: URL and JSON path of each are in the list."""

    __slots__ = ("_token",)

    def __enter__(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        self._token = _remote.set(found)
        return found

    def __exit__(self, *error: object) -> None:
        _remote.reset(self._token)


def is_image(body: bytes) -> bool:
    """Whether bytes begin as one of the accepted kinds of images does."""
    return body.startswith(tuple(_SIGNATURES.values()))


def check(url: str, param: str) -> None:
    """Raise ProblemError unless `url` is a data URL that holds an image of the type it names.

    Remote images are refused but within `collecting`: not every contract takes them.
    """
    remote = _remote.get()
    if remote is not None and url.lower().startswith(("http://", "https://")):
        remote.append((url, param))
        return
    head = _DATA_URL.match(url)
    if head is None:
        kind = "a remote image" if url.lower().startswith(("http://", "https://")) else "something else"
        raise problem.invalid_request(
            f"Invalid value for '{param}': this server reads images from data URLs "
            f"(data:image/png|jpeg|webp|gif;base64,…) and does not fetch {kind}.",
            param,
        )
    check_base64(head[1].lower(), url[head.end() :], param)


def check_base64(kind: str, text: str, param: str) -> None:
    """Raise ProblemError unless `text` is the base64 of an image of that kind, such as `png`."""
    try:
        image = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise problem.invalid_request(f"Invalid value for '{param}': its base64 is broken.", param) from None
    if not image.startswith(_SIGNATURES[kind]):
        raise problem.invalid_request(f"Invalid value for '{param}': the data is not a {kind} image.", param)
