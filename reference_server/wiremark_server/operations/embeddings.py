"""Embeddings: every input a vector, charged by its tokens."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from wiremark_schemas.contracts import Model

from wiremark_server.dialects import openai_embeddings
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Generation, Turn, Usage
from wiremark_server.edge.message import Response
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call

MAX_TOKENS = 300_000  # of all inputs of one request, as OpenAI's reference documents

ParamOf = Callable[[int], str]
"""JSON path of an input, by its position."""


async def create(call: Call) -> Response:
    await chain.run(chain.DOCUMENT, call)
    asked = openai_embeddings.decode(call.document)
    vectors, usage = await embed(call, asked.model, asked.texts, asked.dimensions, lambda at: f"input[{at}]")
    return Response(200, openai_embeddings.encode(asked, call.model.id, vectors, usage))


async def embed(
    call: Call, model: str, texts: Sequence[str], dimensions: int | None, param_of: ParamOf
) -> tuple[list[array[float]], Usage]:
    """The vectors of the texts, and what they cost, which has been charged. Raises ProblemError."""
    call.model = chain.permitted(call, model)
    length = _dimensions(call.model, dimensions)
    call.prompt_tokens = _count(call, texts, param_of)
    await chain.run(chain.PAID, call)
    try:
        vectors = await call.services.engine.embed(call.model.id, texts, length)
    except BaseException:
        await call.bill.release(500, "failed")
        raise
    usage = Usage(call.prompt_tokens, 0)
    await call.bill.settle(usage, "ok")
    return vectors, usage


def _dimensions(model: Model, wanted: int | None) -> int:
    if model.dimensions is None:
        raise problem.invalid_request(f"The model {model.id!r} does not make embeddings.", "model")
    if wanted is not None and wanted > model.dimensions:
        raise problem.invalid_request(
            f"Invalid value for 'dimensions': the model {model.id!r} has at most {model.dimensions}.",
            "dimensions",
        )
    return wanted or model.dimensions


def _count(call: Call, texts: Sequence[str], param_of: ParamOf) -> int:
    """Tokens of all inputs. Raises ProblemError for one that is too long, or for too many together."""
    total, longest = 0, call.model.context_tokens
    for position, text in enumerate(texts):
        count = call.services.engine.count_prompt(
            Generation(call.request_id, call.model.id, (Turn("prompt", text),))
        )
        if count > longest:
            raise problem.context_length_exceeded(longest, count, param=param_of(position))
        total += count
    if total > MAX_TOKENS:
        raise problem.invalid_request(
            f"Too many tokens: {total} in all inputs; at most {MAX_TOKENS} are taken at once.", "input"
        )
    return total
