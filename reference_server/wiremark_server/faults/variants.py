from __future__ import annotations

from wiremark_server.faults.fault import Variant

VARIANTS: tuple[Variant, ...] = ()
