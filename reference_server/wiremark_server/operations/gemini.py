"""Gemini's operations beside generation: counting, and embeddings one by one or in a batch."""

from __future__ import annotations

import msgspec

from wiremark_server.dialects.gemini import embeddings as dialect
from wiremark_server.edge.message import Response
from wiremark_server.operations import embeddings
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call


async def count_tokens(call: Call) -> Response:
    """Free of charge, and without a budget, so a prompt that is too long is counted too."""
    call.format = call.services.formats["gemini.count"]
    await chain.run(chain.COUNT, call)
    return Response(200, msgspec.json.encode({"totalTokens": call.prompt_tokens}))


async def embed(call: Call) -> Response:
    await chain.run(chain.DOCUMENT, call)
    asked = dialect.decode(call.document, call.head)
    vectors, usage = await embeddings.embed(
        call, asked.model, asked.texts, asked.dimensions, lambda _: "content"
    )
    return Response(200, dialect.encode(vectors, usage))


async def batch_embed(call: Call) -> Response:
    await chain.run(chain.DOCUMENT, call)
    asked = dialect.decode_batch(call.document, call.head)
    vectors, usage = await embeddings.embed(
        call, asked.model, asked.texts, asked.dimensions, lambda at: f"requests[{at}].content"
    )
    return Response(200, dialect.encode_batch(vectors, usage))
