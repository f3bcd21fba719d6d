"""An image that a contract names is fetched where the network is open to it, and not where it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from wiremark_conformance.judge import Evidence, judge_one, probes_for
from wiremark_conformance.prober import Prober
from wiremark_reports.record import Verdict
from wiremark_server import app
from wiremark_server.policy.fetching import ImageFetcher

from tests.reference_server.test_policy_fetching import PNG

SAMPLE = "chat.vision.sample"


@pytest.fixture
def image() -> Iterator[str]:
    """URL of a small image on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "image/png")
            self.end_headers()
            self.wfile.write(PNG)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/red.png"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("open_to_loopback", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
def test_the_image_of_the_contract_is_fetched_where_it_may_be(
    judged: Any,
    altered: Any,
    image: str,
    open_to_loopback: bool,
    verdict: Verdict,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if open_to_loopback:
        monkeypatch.setattr(app, "ImageFetcher", lambda: ImageFetcher(lambda to: to == "127.0.0.1"))
    served = judged.serve(altered("openai", {"/images": {"remote": True, "sample": image}}))
    target = judged.target(served)
    prober = Prober(served, workers=1, sleep=lambda _: None)
    evidence = Evidence(target, prober.run(probes_for([SAMPLE]), target, {}))
    found = judge_one(SAMPLE, evidence)
    assert found.verdict is verdict, found.message
