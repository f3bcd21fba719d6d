"""What the endpoint says of itself; anybody may read it."""

from __future__ import annotations

from wiremark_server.edge.message import Response
from wiremark_server.policy.call import Call


async def get_openapi(call: Call) -> Response:
    return Response(200, call.services.description())
