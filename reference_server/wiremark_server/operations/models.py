"""The catalogue, as far as the key may use it, in the dialect that the request is in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from wiremark_schemas.contracts import Dialect, Model

from wiremark_server.dialects import anthropic_models, gemini_models
from wiremark_server.edge.message import Response
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call

_LISTS: Mapping[Dialect, Callable[[Call, Sequence[Model]], bytes]] = {
    "openai": lambda call, models: call.services.catalogue.list(models),
    "anthropic": lambda call, models: anthropic_models.encode_list(models, call.query),
    "gemini": lambda call, models: gemini_models.encode_list(models, call.query),
}
_ONES: Mapping[Dialect, Callable[[Call, Model], bytes]] = {
    "openai": lambda call, model: call.services.catalogue.one(model),
    "anthropic": lambda _, model: anthropic_models.encode_one(model),
    "gemini": lambda _, model: gemini_models.encode_one(model),
}


def listing(form: str) -> Callable[[Call], Awaitable[Response]]:
    """The operation that lists the models of a format. One without formats of its own is in every list."""

    async def list_models(call: Call) -> Response:
        await chain.run(chain.IDENTIFIED, call)
        known = call.services.contract.models
        models = [model for model in known if call.key.allows(model.id) and model.speaks(form)]
        return Response(200, _LISTS[call.dialect](call, models))

    return list_models


async def get_model(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    model = chain.permitted(call, call.parameters["model"])
    return Response(200, _ONES[call.dialect](call, model))
