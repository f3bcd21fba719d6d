"""How much later than the server sent a chunk our client says that it came.

    python benchmarks/loadgen/lag.py BASE_URL STREAMS SECONDS

The truth server writes into each chunk when it handed it to the kernel; both run on one host and clock.
Printed: milliseconds by the kernel's stamps, which our times are made of, and by the moments of reading.
"""

from __future__ import annotations

import json
import re
import sys
import time

from gevent import monkey

monkey.patch_all()

import gevent  # type: ignore[import-untyped] # noqa: E402
from wiremark_conformance.client import Endpoint  # noqa: E402
from wiremark_loadtests.client.transport import Connection  # noqa: E402
from wiremark_loadtests.client.wire import ResponseReader, post  # noqa: E402
from wiremark_loadtests.measure.recorder import Histogram  # noqa: E402

_SENT = re.compile(rb'"ns": "(\d{19})"')
_BODY = b'{"model": "truth", "messages": [{"role": "user", "content": "hello"}], "stream": true}'


def main() -> None:
    endpoint = Endpoint.parse(sys.argv[1])
    streams, end = int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
    request = post(f"{endpoint.base_path}/chat/completions", endpoint.host_header, "", _BODY)
    stamped, read = Histogram(), Histogram()

    def user() -> None:
        connection = Connection(endpoint.host, endpoint.port, tls=False, silence=60.0)
        connection.connect()
        while time.monotonic() < end:
            answer = ResponseReader()
            connection.connect()
            connection.exchange(request, answer)
            read.record_all(answer.lags_ns)
            for at_ns, data in answer.parts:
                sent = _SENT.findall(data)
                if sent:
                    stamped.record(max(0, at_ns - int(sent[-1])))
        connection.close()

    gevent.joinall([gevent.spawn(user) for _ in range(streams)], raise_error=True)
    told = {name: found.scaled(1e6) for name, found in (("stamp", stamped), ("read", read))}
    print(
        json.dumps({name: {"p50": one.p50, "p99": one.p99, "count": one.count} for name, one in told.items()})
    )


if __name__ == "__main__":
    main()
