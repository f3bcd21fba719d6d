"""The KV cache as a count of blocks, with prompt blocks shared by content.

A block is in one of three states: free, private to one sequence, or shared under the hash of the prompt up
to its end. A shared block nobody uses stays, as the least recently used are the first to be evicted when
room is needed. Only counts and hashes are kept; there is nothing in here that could tell what was said.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence


def block_hashes(pieces: Sequence[str], block_tokens: int) -> tuple[int, ...]:
    """One hash per full block of a prompt, each of everything up to the block's end."""
    hashes: list[int] = []
    chain = 0
    for start in range(0, len(pieces) - block_tokens + 1, block_tokens):
        chain = hash((chain, *pieces[start : start + block_tokens]))
        hashes.append(chain)
    return tuple(hashes)


class BlockCache:
    """`total` blocks. Every method either succeeds whole or changes nothing."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._users: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()

    @property
    def available(self) -> int:
        """Blocks that can be had at once: free ones and shared ones nobody uses."""
        return self._free + len(self._idle)

    def match(self, hashes: Iterable[int]) -> int:
        """Leading blocks of a prompt that are here."""
        found = 0
        for block in hashes:
            if block not in self._users:
                break
            found += 1
        return found

    def take(self, shared: Sequence[int], private: int, reserve: int = 0) -> bool:
        """Use the blocks `shared`, which must be here, and `private` new ones; `reserve` stay available."""
        woken = sum(block in self._idle for block in shared)
        if self.available - woken - private < reserve:
            return False
        for block in shared:
            self._idle.pop(block, None)
            self._users[block] += 1
        self._claim(private)
        return True

    def publish(self, block: int) -> bool:
        """Make one private block shared. False, and it stays private, when that content is here already."""
        if block in self._users:
            return False
        self._users[block] = 1
        return True

    def release(self, shared: Sequence[int], private: int) -> None:
        """Give blocks back. The end of a prompt becomes evictable before its beginning."""
        self._free += private
        for block in reversed(shared):
            self._users[block] -= 1
            if not self._users[block]:
                self._idle[block] = None

    def _claim(self, count: int) -> None:
        while self._free < count:
            evicted, _ = self._idle.popitem(last=False)
            del self._users[evicted]
            self._free += 1
        self._free -= count
