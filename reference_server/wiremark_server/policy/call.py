"""What the policies and operations share: the services of one gateway and the state of one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, Struct, field
from wiremark_schemas.contracts import Contract, Dialect, Model

from wiremark_server.clock import Clock
from wiremark_server.dialects.format import Format, RequestHead
from wiremark_server.dialects.openai_models import Catalogue
from wiremark_server.domain.asked import Asked
from wiremark_server.engine.protocol import Engine
from wiremark_server.keys import Key
from wiremark_server.ledger.books import Books
from wiremark_server.media.studio import Studio
from wiremark_server.metrics.meter import Meter
from wiremark_server.policy.bill import Bill
from wiremark_server.policy.cache import Kept, ResponseCache
from wiremark_server.policy.fetching import ImageFetcher
from wiremark_server.policy.limits import Decision, Limiter
from wiremark_server.routing.router import Route, Router
from wiremark_server.routing.workers import Workers
from wiremark_server.stored.responses import ResponseStore, Stored


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that outlives a request; wired in `app.py`.

    cache:       None when the contract promises none
    fingerprint: what `system_fingerprint` says, the same for every answer of this configuration
    formats:     wire formats of generations, by name
    workers:     which models can be served now
    catalogue:   the models as the models routes tell them
    description: the OpenAPI document, encoded
    responses:   what is kept of responses
    studio:      makes images
    mount:       path below which the application is reached
    router:      providers that answer instead of the engine
    images:      fetches remote images; None when the contract takes none
    meter:       counts for `/metrics`
    """

    contract: Contract
    clock: Clock
    authenticate: Callable[[RequestHead], Key]
    limiter: Limiter
    ledger: Books
    engine: Engine
    cache: ResponseCache | None
    fingerprint: str
    formats: Mapping[str, Format]
    workers: Workers
    catalogue: Catalogue
    description: Callable[[], bytes]
    responses: ResponseStore
    router: Router
    studio: Studio
    mount: str
    meter: Meter
    images: ImageFetcher | None = None


_LATER: Any = UNSET


class Call(Struct):
    """One request on its way through the chain; a field is set by the step that is named beside it.

    explain: the error document that a failure is told with, in the dialect
    started: when the request came, on the monotonic clock
    broken:  what ends a stream that has begun, from that document; None: the dialect's own frame
    """

    services: Services
    request_id: str
    dialect: Dialect
    header: Callable[[str], str | None]
    read_document: Callable[[], Awaitable[dict[str, Any]]]
    client_gone: Callable[[], Awaitable[None]]
    explain: Callable[[Exception], Mapping[str, Any]]
    started: float = 0.0
    parameters: Mapping[str, str] = _LATER  # of the path, set by the router
    query: Mapping[str, str] = _LATER
    operation: str = ""  # likewise
    headers: list[tuple[str, str]] = field(default_factory=list)  # for the answer, refusals included
    limits: Decision | None = None  # meter, meter_tokens; its headers likewise
    place: tuple[str, str] | None = None  # meter; given back when the request is over
    format: Format = _LATER  # set by the operation
    key: Key = _LATER  # authenticate
    document: dict[str, Any] = _LATER  # read
    asked: Asked = _LATER  # decode
    remote_images: list[tuple[str, str]] = field(default_factory=list)  # decode; URL, JSON path
    model: Model = _LATER  # admit
    prompt_tokens: int = _LATER  # admit
    longest_prompt: int = _LATER  # admit; tokens of the longest conversation
    completion_budget: int = 0  # fit; tokens, over all choices
    route: Route | None = None  # route; None: the engine answers
    kept: Kept | None = None  # recall
    cache_key: bytes | None = None  # recall
    answer_id: str = _LATER  # of the request that the answer is named after; hold may change it
    created: int = _LATER  # hold; seconds since the epoch, UTC
    bill: Bill = _LATER  # hold
    stored: Stored | None = None  # set by the operation
    broken: Callable[[Mapping[str, Any]], bytes] | None = None  # likewise

    def __post_init__(self) -> None:
        self.answer_id = self.request_id

    @property
    def head(self) -> RequestHead:
        return RequestHead(self.header, self.parameters, self.query)
