"""Messages beside their creation: how many tokens a request has."""

from __future__ import annotations

import msgspec

from wiremark_server.edge.message import Response
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call


async def count_tokens(call: Call) -> Response:
    """Free of charge, and without a budget, so a prompt that is too long is counted too."""
    call.format = call.services.formats["messages.count"]
    await chain.run(chain.COUNT, call)
    return Response(200, msgspec.json.encode({"input_tokens": call.prompt_tokens}))
