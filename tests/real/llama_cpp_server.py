"""Serve a GGUF file with llama.cpp's own HTTP server, as the `xllamacpp` wheel carries it.

Runs inside that wheel's environment: `python llama_cpp_server.py MODEL.gguf PORT [embeddings]`.
"""

from __future__ import annotations

import signal
import sys
import threading


def main(model: str, port: int, *, vectors: bool) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.model_alias = {"scripted"}
    parameters.hostnames, parameters.port = ["127.0.0.1"], port
    parameters.n_parallel, parameters.n_ctx = 4, 16384
    parameters.cpuparams.n_threads = 2
    parameters.use_jinja, parameters.warmup = True, False
    if vectors:
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    print("listening on", server.listening_address, flush=True)
    stop = threading.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: stop.set())
    stop.wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), vectors="embeddings" in sys.argv[3:])
