"""Content codings removed from a body, in bounded memory: a small body may hide gigabytes."""

from __future__ import annotations

import zlib

MAX_DECODED = 16 * 1024 * 1024

# What zlib's `wbits` must be for each coding; + 32 would also accept the other one's header.
_WBITS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class ContentError(ValueError):
    """A body is not what its content-encoding header says, or decodes to more than the limit."""


def decode(data: bytes, coding: str, limit: int = MAX_DECODED) -> bytes:
    """`data` with the codings of a content-encoding header removed, last applied first.

    Raises ContentError for an unknown coding, for bytes that are not in that coding, for a cut
    body, and for more than `limit` decoded bytes.
    """
    for name in reversed([step.strip().lower() for step in coding.split(",") if step.strip()]):
        if name != "identity":
            data = _decode_one(data, name, limit)
    return data


def _decode_one(data: bytes, name: str, limit: int) -> bytes:
    if name not in _WBITS:
        raise ContentError(f"the body has the content coding {name!r}, which was never offered")
    decoder = zlib.decompressobj(_WBITS[name])
    try:
        decoded = decoder.decompress(data, limit + 1)
    except zlib.error as error:
        raise ContentError(f"the body is not {name}, although content-encoding says so: {error}") from None
    if len(decoded) > limit:
        raise ContentError(f"the {name} body of {len(data)} bytes decodes to more than {limit} bytes")
    if not decoder.eof:
        raise ContentError(f"the {name} body of {len(data)} bytes ends before its coding is complete")
    return decoded
