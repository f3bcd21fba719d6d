"""The audit of a task: charged when it was accepted, and given back when it failed. Pure."""

from __future__ import annotations

from wiremark_loadtests.bill.findings import Books
from wiremark_loadtests.bill.receipts import Receipt
from wiremark_loadtests.bill.rows import Row


def judge(receipt: Receipt, row: Row | None, books: Books) -> None:
    """Hold what became of a task against its row."""
    price = books.price(receipt.model, 0, 0, row.amount if row else None)
    name = receipt.request_id
    if receipt.announced is False:
        books.add("webhook-missing", name, None, None, f"the task {receipt.task}, and no webhook told it")
    if row is not None and row.state == "held":
        books.add("missing", name, None, None, "a task was accepted, but its hold was never settled")
        return
    charged = row.amount if row is not None else 0
    if receipt.task == "failed":
        if charged:
            books.add(
                "charged-failure", name, 0, charged, "the task failed, and its charge was not given back"
            )
        return
    if receipt.task == "pending" and charged in {0, price}:  # nobody knows how it ended
        books.expected += charged
        return
    books.expected += price
    if row is None:
        books.add("missing", name, price, None, "a task was accepted, but it is not in the ledger")
    elif row.model != receipt.model:
        message = f"a task of {receipt.model}, billed as {row.model}"
        books.add("wrong-usage", name, price, charged, message)
    elif not charged and price:
        books.add("free-success", name, price, 0, "the task was completed, free")
    elif charged != price:
        books.add("wrong-amount", name, price, charged, f"a task costs {price}, and {charged} was charged")
