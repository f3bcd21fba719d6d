"""The catalogue, as far as the key may use it, in the dialect that the request is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wiremark_schemas.contracts import Dialect, Model

from wiremark_server.dialects import anthropic_models
from wiremark_server.domain import problem
from wiremark_server.edge.message import Response
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call

_LISTS: Mapping[Dialect, Callable[[Call, Sequence[Model]], bytes]] = {
    "openai": lambda call, models: call.services.catalogue.list(models),
    "anthropic": lambda call, models: anthropic_models.encode_list(models, call.query),
}
_ONES: Mapping[Dialect, Callable[[Call, Model], bytes]] = {
    "openai": lambda call, model: call.services.catalogue.one(model),
    "anthropic": lambda _, model: anthropic_models.encode_one(model),
}


async def list_models(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    allowed = call.key.allowed_models
    models = [model for model in call.services.contract.models if allowed is None or model.id in allowed]
    return Response(200, _LISTS[call.dialect](call, models))


async def get_model(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    model_id = call.parameters["model"]
    model = call.services.contract.model(model_id)
    if model is None:
        raise problem.unknown_model(model_id)
    if call.key.allowed_models is not None and model_id not in call.key.allowed_models:
        raise problem.model_not_allowed(model_id)
    return Response(200, _ONES[call.dialect](call, model))
