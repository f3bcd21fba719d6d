"""Receipts on disk, and a disk that takes no more."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.spool import Spool


def _receipts(count: int, first: int = 0) -> list[Receipt]:
    return [
        Receipt(f"r{i}", "default", "m", Outcome.OK, 200, (1, 2), None, True, i, i + 1, 60, 59, 1000, (9, 8))
        for i in range(first, first + count)
    ]


def test_receipts_come_back_as_they_were_and_the_file_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new")
    spool.add(_receipts(3))
    assert list(spool) == _receipts(3)
    spool.add([])
    spool.add(_receipts(2, first=3))
    assert list(spool) == list(spool) == _receipts(5)
    assert (spool.count, spool.problem) == (5, "")
    spool.close()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_full_disk_costs_no_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    spool.add(_receipts(2))
    file: Any = spool._file

    class Full:
        """Takes a few bytes more, then none."""

        left = 30

        def write(self, data: Any) -> int:
            if not self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            taken, self.left = self.left, 0
            return int(file.write(data[:taken]))

        def __getattr__(self, name: str) -> Any:
            return getattr(file, name)

    monkeypatch.setattr(spool, "_file", Full())
    spool.add(_receipts(2, first=2))
    spool.add(_receipts(1, first=4))
    assert "No space left on device" in spool.problem
    assert list(spool) == _receipts(5)
    spool.close()


def test_a_folder_that_cannot_be_made_costs_no_receipt(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "below")
    spool.add(_receipts(2))
    assert "kept in memory" in spool.problem
    assert list(spool) == _receipts(2)
