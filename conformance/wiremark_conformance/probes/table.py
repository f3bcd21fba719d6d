"""What a probe is: a request drafted for a target, with what must be there before it can be made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from wiremark_schemas.contracts import Model

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange, Headers, Request
from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.target import Target

USER_AGENT = "wiremark"
WRONG_KEY = "wiremark-wrong-key-0123456789"  # after the contract's key prefix


Key = Literal["role", "wrong", "none"]


@dataclass(frozen=True, slots=True)
class ProbeContext:
    """What a probe may look at: the target, and the exchanges made before it."""

    target: Target
    exchanges: Mapping[str, Exchange]


@dataclass(frozen=True, slots=True)
class Draft:
    """A request before the headers that all requests share.

    body:    bytes as they are, or a value to be sent as JSON
    headers: added to the shared ones; a name given here replaces the shared header
    key:     whose key goes with it: the probe's role's, a made-up one, or none
    chunked: send the body in chunks, without content-length
    scheme:  how the key is sent; None: as the contract has it first, but not in the query
    after:   a request that is sent before it on the same connection
    """

    method: str
    target: str
    body: bytes | Mapping[str, Any] | None = None
    headers: Headers = ()
    key: Key = "role"
    chunked: bool = False
    scheme: str | None = None
    after: Draft | None = None


Drafter = Callable[[ProbeContext], Draft]


@dataclass(frozen=True)
class Probe:
    """A named request.

    role:       whose key it is sent with; a role other than `default` needs that key
    needs:      probes that are made before it
    capability: made only when the contract claims it or leaves it open
    pause:      seconds that are waited before it is made
    patient:    whether a busy endpoint is asked again; not where "busy" is the answer looked for
    within:     a probe that asks for the same and more: where that was taken, so was this, and it is not
                asked for again. Only for what is either taken or not, whatever the answer says
    requests:   how many are sent, those before it on the same connection included
    """

    name: str
    draft: Drafter = field(repr=False)
    role: str = "default"
    needs: tuple[str, ...] = ()
    capability: str | None = None
    patient: bool = True
    pause: float = 0.0
    within: str | None = None
    requests: int = 1

    def __post_init__(self) -> None:
        if self.within is not None:
            object.__setattr__(self, "needs", (*self.needs, self.within))

    def granted(self, exchanges: Mapping[str, Exchange]) -> bool:
        """Whether more than this was asked for, and taken."""
        whole = exchanges.get(self.within) if self.within is not None else None
        return (
            whole is not None
            and whole.failure is None
            and whole.status is not None
            and 200 <= whole.status < 300
        )

    def build(self, context: ProbeContext) -> Request | None:
        """The request, or None when it cannot be made; `obstacle` tells why."""
        try:
            return self._request(context)
        except (NotPromised, NotTestable):
            return None

    def obstacle(self, context: ProbeContext) -> NotPromised | NotTestable:
        """Why the request was not made: not promised, not possible, or left out of this run."""
        try:
            self._request(context)
        except (NotPromised, NotTestable) as reason:
            return reason
        return NotTestable(f"the probe {self.name} was not made in this run")

    def _request(self, context: ProbeContext) -> Request:
        if not context.target.declares(self.capability):
            raise NotPromised(f"the contract does not promise {self.capability!r}")
        if self.role != "default" and context.target.credentials.get(self.role) is None:
            raise NotTestable(f"there is no key for the role {self.role!r}; give one in the credentials file")
        return _request(self.draft(context), self.role, context.target)


class ProbeTable(Mapping[str, Probe]):
    """Probes by name, in an order in which they can be made."""

    def __init__(self, probes: tuple[Probe, ...]) -> None:
        self._probes: dict[str, Probe] = {}
        for probe in probes:
            absent = [need for need in probe.needs if need not in self._probes]
            if absent or probe.name in self._probes:
                raise ValueError(f"{probe.name}: listed twice, or before what it needs: {absent}")
            self._probes[probe.name] = probe

    def __getitem__(self, name: str) -> Probe:
        return self._probes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._probes)

    def __len__(self) -> int:
        return len(self._probes)


def path(context: ProbeContext, operation: str, **values: str) -> str:
    """The first path of an operation; raises NotPromised when the contract does not offer it."""
    return path_at(context, 0, operation, **values)


def path_at(context: ProbeContext, at: int, operation: str, **values: str) -> str:
    """One of the paths of an operation; raises NotPromised when the contract does not offer so many."""
    found = context.target.paths(operation, **values)
    if len(found) <= at:
        raise NotPromised(f"the contract names no {'further ' * bool(at)}path for {operation}")
    return found[at]


def served(context: ProbeContext) -> tuple[Model, ...]:
    """The contract's models, without specimens that the endpoint does not list.

    For probes that need `models.list`.
    """
    view = Evidence(context.target, context.exchanges).view("models.list")
    data = view.object.get("data") if view is not None and view.succeeded else ()
    entries = data if isinstance(data, list) else ()
    listed = [entry.get("id") for entry in entries if isinstance(entry, dict)]
    return tuple(
        m for m in context.target.contract.models if m.speaks("chat") and (not m.specimen or m.id in listed)
    )


def model_where(context: ProbeContext, what: str, wanted: Callable[[Model], bool]) -> str:
    """The id of the first such model that writes text; `what` says in words what is wanted.

    Raises NotPromised when the contract has none, NotTestable when the endpoint does not list it.
    """
    if not any(model.writes and wanted(model) for model in context.target.contract.models):
        raise NotPromised(f"the contract lists no model {what}")
    found = next((model.id for model in served(context) if model.writes and wanted(model)), None)
    if found is None:
        raise NotTestable(f"the endpoint lists no model {what}")
    return found


def chat(context: ProbeContext, body: Mapping[str, Any], **how: Any) -> Draft:
    """A chat request with the target's model, unless the body names another."""
    return Draft("POST", path(context, "chat.create"), {"model": context.target.model, **body}, **how)


def _request(draft: Draft, role: str, target: Target) -> Request:
    headers = [("host", target.host_header), ("user-agent", USER_AGENT), ("accept", "application/json")]
    schemes = target.contract.raw["auth"]["schemes"]
    scheme = draft.scheme or next((scheme for scheme in schemes if scheme != "query"), "bearer")
    key = _key(draft, role, target)
    headers += _key_headers(scheme, key)
    headers += target.contract.raw["auth"].get("headers", {}).items()
    body = draft.body
    if body is not None:
        headers.append(("content-type", "application/json"))
    payload = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    if draft.chunked:
        headers.append(("transfer-encoding", "chunked"))  # the client then sends the body in chunks
    elif body is not None:
        headers.append(("content-length", str(len(payload))))
    replaced = {name.lower() for name, _ in draft.headers}
    kept = [(name, value) for name, value in headers if name not in replaced]
    query = f"{'&' if '?' in draft.target else '?'}key={quote(key)}" if key and scheme == "query" else ""
    after = _request(draft.after, role, target) if draft.after is not None else None
    return Request(draft.method, draft.target + query, (*kept, *draft.headers), payload, after)


def _key(draft: Draft, role: str, target: Target) -> str | None:
    """The key that goes with a request, if any."""
    if draft.key == "none":
        return None
    if draft.key == "wrong":
        return f"{target.contract.raw['auth'].get('key_prefix', '')}{WRONG_KEY}"
    return target.credentials.get(role)


def _key_headers(scheme: str, key: str | None) -> Headers:
    if key is None or scheme == "query":
        return ()
    return (("authorization", f"Bearer {key}"),) if scheme == "bearer" else ((scheme, key),)
