"""Images: submitted and paid, looked after, fetched."""

from __future__ import annotations

import secrets

import msgspec

from wiremark_server.domain import problem
from wiremark_server.domain.generation import Usage
from wiremark_server.edge.message import Response
from wiremark_server.media import picture, request
from wiremark_server.media.task import Task
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call

_ACCEPTED = 202
_FORMAT = "images"


async def create_image(call: Call) -> Response:
    """The charge is taken before the task exists; a task that fails gives it back."""
    await chain.run(chain.DOCUMENT, call)
    asked = request.decode(call.document, call.services.studio.guard)
    call.model = chain.permitted(call, asked.model)
    if _FORMAT not in call.model.formats:
        raise problem.wrong_format(call.model.id, _FORMAT, call.model.formats or {"text"})
    call.prompt_tokens = 0
    await chain.run((chain.staff, chain.hold), call)  # an image is no tokens
    task_id = f"media_{secrets.token_hex(12)}"
    nothing = Usage(0, 0)
    charge = call.bill.amount(nothing)
    url = f"{call.services.mount}{call.services.contract.base_path}/v1/files/{task_id}.png"
    origin = f"http://{call.head('host') or 'localhost'}"
    task = Task.of(task_id, call.key.id, call.request_id, charge, origin + url, asked)
    try:
        await call.services.studio.submit(task, lambda: call.bill.settle(nothing, "ok", _ACCEPTED))
    except BaseException:
        await call.bill.release(500, "failed")
        raise
    return Response(_ACCEPTED, msgspec.json.encode(task.accepted()))


async def get_task(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    task_id = call.parameters["task"]
    task = await call.services.studio.find(task_id, call.key.id)
    if task is None:
        raise problem.unknown_task(task_id)
    return Response(200, msgspec.json.encode(task.shown()))


async def get_file(call: Call) -> Response:
    """The image of a completed task, for whoever was given its address, which nobody can guess."""
    task_id = call.parameters["file"].removesuffix(".png")
    task = await call.services.studio.find(task_id)
    if task is None or task.status != "completed":
        raise problem.unknown_task(task_id)
    image = picture.png(*task.asked.pixels, bytes.fromhex(task.seed[:6]))
    return Response(200, image, (("content-type", "image/png"),))
