"""The image that a task is answered with: a plain PNG of the size asked for, its colour from the seed."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache


@lru_cache(maxsize=16)
def png(width: int, height: int, colour: bytes) -> bytes:
    """colour: red, green, blue"""
    row = b"\0" + b"\0" * ((width + 7) // 8)
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0))
        + _chunk(b"PLTE", colour * 2)
        + _chunk(b"IDAT", pixels)
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
