"""Who looks at the pages, and so what is on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wiremark_server.keys import Key

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Viewer:
    """key: that was signed in with; None for the operator, who used the admin key"""

    key: Key | None

    @property
    def operator(self) -> bool:
        return self.key is None

    @property
    def name(self) -> str:
        return OPERATOR if self.key is None else self.key.account_id

    @property
    def manages(self) -> bool:
        """May make and change keys of the account: no key with bounds, which could rid itself of them."""
        key = self.key
        if key is None:
            return True
        full = key.limits is not None and bool(key.limits.refusing)
        return key.allowed_models is None and key.monthly_cap is None and not full

    def sees(self, key: Key) -> bool:
        """Whether a key, and what was done with it, is this viewer's business."""
        if self.key is None:
            return True
        return key.id == self.key.id or (self.manages and key.account_id == self.key.account_id)

    def visible(self, keys: Iterable[Key]) -> list[Key]:
        return [key for key in keys if self.sees(key)]
