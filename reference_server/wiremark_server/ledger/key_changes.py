"""The rules for API keys and what they are limited by: as `transfers`, but without money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wiremark_server.ledger.records import KeyRow, UnknownKey
from wiremark_server.ledger.rows import Account, Known, Needs


@dataclass(slots=True)
class PutKey:
    """Store a new API key; opens its account."""

    row: KeyRow

    def add_needs(self, needs: Needs) -> None:
        needs.accounts.add(self.row.account_id)
        needs.api_keys.add(self.row.id)
        needs.revision = True

    def apply(self, known: Known) -> KeyRow:
        if self.row.account_id not in known.accounts:
            account = Account(self.row.account_id, 0, 0)
            known.accounts[account.id] = known.changes.accounts[account.id] = account
        return _revised(known, self.row)


@dataclass(slots=True)
class ChangeKey:
    """Change fields of an API key. A revoked key stays revoked, whatever is asked of it later."""

    key_id: str
    values: Mapping[str, Any]

    def add_needs(self, needs: Needs) -> None:
        needs.api_keys.add(self.key_id)
        needs.revision = True

    def apply(self, known: Known) -> KeyRow:
        row = known.api_keys.get(self.key_id)
        if row is None or (row.state == "revoked" and self.values.get("state") != "revoked"):
            raise UnknownKey(f"key {self.key_id}: there is no such key, or it was revoked")
        return _revised(known, replace(row, **self.values))


@dataclass(slots=True)
class CountDay:
    """How many requests a key has made in its day; the last word counts."""

    name: str
    count: int
    ends: int
    taken: bool = False

    def change(self, count: int, ends: int) -> bool:
        """Another word while this one waits; False when the ledger may have taken this one already.

        Whoever changes it writes first and looks afterwards, and `apply` the other way round, so that no
        word is lost between two threads.
        """
        self.count, self.ends = count, ends
        return not self.taken

    def add_needs(self, needs: Needs) -> None:
        """Nothing: what was there before does not matter."""

    def apply(self, known: Known) -> None:
        self.taken = True
        known.changes.day_counts[self.name] = (self.count, self.ends)


@dataclass(slots=True)
class PutTask:
    """A media task as it is now; the last word counts."""

    task_id: str
    key_id: str
    done: bool
    document: str

    def add_needs(self, needs: Needs) -> None:
        """Nothing: what was there before does not matter."""

    def apply(self, known: Known) -> None:
        known.changes.tasks[self.task_id] = (self.key_id, int(self.done), known.owner, self.document)


@dataclass(slots=True)
class AdoptTasks:
    """Take over what processes that have ended left undone; the answer is the tasks, each given out once."""

    def add_needs(self, needs: Needs) -> None:
        needs.orphans = True

    def apply(self, known: Known) -> list[tuple[str, str, str]]:
        orphans, known.orphans = known.orphans, []
        for task_id, key_id, document in orphans:
            known.changes.tasks[task_id] = (key_id, 0, known.owner, document)
        return orphans


def _revised(known: Known, row: KeyRow) -> KeyRow:
    known.revision += 1
    new = replace(row, revision=known.revision)
    known.api_keys[row.id] = known.changes.api_keys[row.id] = new
    return new
