"""Embeddings: every input a vector, charged by its tokens."""

from __future__ import annotations

from wiremark_server.dialects import openai_embeddings
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Generation, Turn, Usage
from wiremark_server.edge.message import Response
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call

MAX_TOKENS = 300_000  # of all inputs of one request, as the reference documents


async def create(call: Call) -> Response:
    await chain.run(chain.DOCUMENT, call)
    asked = openai_embeddings.decode(call.document)
    call.model = chain.permitted(call, asked.model)
    dimensions = openai_embeddings.dimensions(asked, call.model)
    call.prompt_tokens = _count(call, asked)
    await chain.run(chain.PAID, call)
    try:
        vectors = await call.services.engine.embed(call.model.id, asked.texts, dimensions)
    except BaseException:
        await call.bill.release(500, "failed")
        raise
    usage = Usage(call.prompt_tokens, 0)
    await call.bill.settle(usage, "ok")
    return Response(200, openai_embeddings.encode(asked, call.model.id, vectors, usage))


def _count(call: Call, asked: openai_embeddings.Asked) -> int:
    """Tokens of all inputs. Raises ProblemError for one that is too long, or for too many together."""
    total, longest = 0, call.model.context_tokens
    for position, text in enumerate(asked.texts):
        count = call.services.engine.count_prompt(
            Generation(call.request_id, asked.model, (Turn("prompt", text),))
        )
        if count > longest:
            raise problem.context_length_exceeded(longest, count, param=f"input[{position}]")
        total += count
    if total > MAX_TOKENS:
        raise problem.invalid_request(
            f"Invalid value for 'input': {total} tokens in all; at most {MAX_TOKENS} are taken at once.",
            "input",
        )
    return total
