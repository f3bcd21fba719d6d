"""How long the audit of a million receipts takes, what memory, and whether it finds one µUSD.

python benchmarks/loadgen/audit.py [--count 1000000]
"""

from __future__ import annotations

import argparse
import json
import resource
import time

from wiremark_loadtests.bill.audit import audit
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.rows import Row
from wiremark_loadtests.bill.spool import Spool
from wiremark_schemas import contracts

MODEL = "deepseek-v4-flash"
PRICE = 23  # µUSD of 40 prompt and 60 completion tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    count = parser.parse_args().count
    contract, spool = contracts.load("hermes-tokens"), Spool()
    began = time.monotonic()
    for start in range(0, count, 10_000):
        spool.add(
            Receipt(f"req-{i}", "default", MODEL, Outcome.OK, 200, (40, 60), sent_ms=i, at_ms=i)
            for i in range(start, min(count, start + 10_000))
        )
    spooled = time.monotonic() - began
    rows = (
        Row(f"req-{i}", MODEL, 40, 60, PRICE + (i == count // 2), "settled", False)
        for i in reversed(range(count))
    )
    began = time.monotonic()
    found = audit(spool, rows, contract)
    seconds = time.monotonic() - began
    told = {
        "receipts": found.receipts,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time(), 2),
        "spool_us_per_receipt": round(spooled / count * 1e6, 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "found": [
            [entry.kind, entry.request_id, entry.expected, entry.charged] for entry in found.discrepancies
        ],
    }
    spool.close()
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
