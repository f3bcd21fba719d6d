"""Responses that are stored: retrieved, listed, cancelled, deleted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from wiremark_server.faults.change import answer, put, refuse, status, take
from wiremark_server.faults.edit import Inside, On
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.responses.words import UNSUPPORTED, fault, shaped, taken_for
from wiremark_server.keys import KeyStore
from wiremark_server.policy.call import Services
from wiremark_server.stored.responses import Item, ResponseStore, Stored

_GET, _ITEMS = "responses.get", "responses.input_items"
_CANCEL, _DELETE = "responses.cancel", "responses.delete"
_CANCELLED = {"id": "resp_1", "object": "response", "status": "cancelled", "output": []}


class _OfEveryone(ResponseStore):
    """Keys share what is stored."""

    def open(
        self,
        key_id: str,  # noqa: ARG002 - it is not looked at
        given: Sequence[Item],
        earlier: Sequence[Item],
        *,
        background: bool,
    ) -> Stored:
        return super().open("", given, earlier, background=background)

    def get(self, key_id: str, response_id: str) -> Stored | None:  # noqa: ARG002
        return super().get("", response_id)


class _OldestFirst(ResponseStore):
    """Items are listed in the order in which they were given."""

    def get(self, key_id: str, response_id: str) -> Stored | None:
        found = super().get(key_id, response_id)
        return found and dataclasses.replace(found, input=found.input[::-1])


class _KeptForEver(ResponseStore):
    """What is deleted stays."""

    def delete(self, response_id: str) -> None:
        """Nothing is done."""


def _stored_in(kind: type[ResponseStore]) -> Inside:
    def change(services: Services, _: KeyStore) -> Services:
        kept = services.contract.raw.get("storage", {}).get("responses")
        return dataclasses.replace(services, responses=kind(services.clock, **kept)) if kept else services

    return Inside(change)


TABLE: tuple[Fault, ...] = (
    fault(
        "get.absent",
        "semantics",
        "Responses are stored as it seems, and cannot be retrieved.",
        refuse(On(_GET), 404, "Not found."),
        catches=("responses.stored.get", "responses.background.get"),
        bug=UNSUPPORTED,
    ),
    taken_for(
        "stream-not-stored",
        "Responses that are streamed are not stored.",
        lambda d: d.update(store=False),
        "responses.stored.get-streamed",
        "responses.state.of-stream",
        where=lambda ask: bool(ask.document.get("stream")) and not ask.document.get("background"),
        bug=UNSUPPORTED,
    ),
    shaped(
        "get.other",
        "What is retrieved names another model than what was answered.",
        put("/model", "another"),
        "responses.stored.same",
        "responses.stored.same-streamed",
        operation=_GET,
    ),
    shaped(
        "get.other-id",
        "What is retrieved has another id.",
        put("/id", "resp_other"),
        "responses.background.same-id",
        operation=_GET,
    ),
    fault(
        "delete.empty-json-refused",
        "semantics",
        "A deletion whose empty body is announced as JSON is refused.",
        refuse(On(_DELETE, where=lambda ask: bool(ask.header(b"content-type"))), 400, "This is no JSON."),
        catches=("responses.stored.delete-empty-json",),
    ),
    fault(
        "get.unknown-400",
        "errors",
        "A response that there never was is answered with 400.",
        status(On(_GET, "refusal", status=404), 400),
        catches=("responses.stored.unknown", "responses.stored.unstored", "responses.stored.deleted"),
    ),
    fault(
        "get.foreign",
        "policy",
        "A key retrieves the responses of another.",
        _stored_in(_OfEveryone),
        catches=("responses.stored.foreign",),
    ),
    taken_for(
        "store-always",
        "Responses are stored although they must not be.",
        lambda d: d.pop("store"),
        "responses.stored.unstored",
        "responses.state.unstored",
        where=lambda ask: ask.document.get("store") is False,
    ),
    fault(
        "delete.refused",
        "semantics",
        "Responses cannot be deleted.",
        refuse(On(_DELETE), 405, "Not allowed."),
        catches=("responses.stored.delete",),
    ),
    shaped(
        "delete.untold",
        "A deletion does not say what was deleted.",
        take("/id"),
        "responses.stored.delete-form",
        operation=_DELETE,
    ),
    fault(
        "delete.nothing",
        "semantics",
        "A deleted response is there all the same.",
        _stored_in(_KeptForEver),
        catches=("responses.stored.deleted", "responses.stored.deleted-twice"),
    ),
    fault(
        "cancel.unknown-400",
        "errors",
        "To cancel what there never was is answered with 400.",
        status(On(_CANCEL, "refusal", status=404), 400),
        catches=("responses.stored.cancel-unknown",),
    ),
    fault(
        "cancel.everything",
        "semantics",
        "Everything can be cancelled, also what there never was.",
        answer(On(_CANCEL), 200, _CANCELLED),
        catches=("responses.stored.cancel-waited-for", "responses.stored.cancel-unknown"),
    ),
    fault(
        "cancel.refused",
        "semantics",
        "What is made in the background cannot be cancelled.",
        refuse(On(_CANCEL)),
        catches=("responses.background.cancel",),
    ),
    shaped(
        "cancel.goes-on",
        "A response that was cancelled is in progress.",
        put("/status", "in_progress"),
        "responses.background.cancelled",
        operation=_CANCEL,
    ),
    fault(
        "items.absent",
        "semantics",
        "The input of a response is not listed.",
        refuse(On(_ITEMS), 404, "Not found."),
        catches=("responses.stored.input-items",),
    ),
    shaped(
        "items.no-object",
        "The list of items does not say that it is one.",
        take("/object"),
        "responses.stored.items-form",
        operation=_ITEMS,
    ),
    shaped(
        "items.no-ids",
        "Listed items have no ids.",
        take("/data/*/id"),
        "responses.stored.items-ids",
        operation=_ITEMS,
    ),
    shaped(
        "items.last-page",
        "Every page of items says that it is the last.",
        put("/has_more", False),
        "responses.stored.items-page",
        operation=_ITEMS,
    ),
    shaped(
        "items.no-bounds",
        "A page of items does not name its first.",
        put("/first_id", None),
        "responses.stored.items-bounds",
        operation=_ITEMS,
    ),
    fault(
        "items.oldest-first",
        "semantics",
        "The oldest item comes first.",
        _stored_in(_OldestFirst),
        catches=("responses.stored.items-order",),
    ),
)
