"""Small pictures that differ, for requests with images."""

from __future__ import annotations

import base64
import random
import struct
import zlib

from wiremark_loadtests.formats.base import Image

_SIDE = 16  # pixels


def draw(source: random.Random) -> Image:
    """A PNG of random pixels."""
    rows = b"".join(b"\0" + source.randbytes(3 * _SIDE) for _ in range(_SIDE))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return Image(base64.b64encode(data).decode())
