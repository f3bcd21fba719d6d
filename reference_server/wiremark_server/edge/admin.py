"""The admin API: keys and money over HTTP, for whoever has the admin key. No contract has a part in it.

GET  /admin/v1/keys                       every key, never a secret
POST /admin/v1/keys                       a new key; the answer has its secret, once
GET  /admin/v1/keys/{id}
POST /admin/v1/keys/{id}/disable, /enable, /revoke
POST /admin/v1/keys/{id}/rotate           the answer has the new secret, once
GET  /admin/v1/accounts/{id}              its balance
POST /admin/v1/accounts/{id}/grants       give it money; with a `transfer`, once for that name
GET  /admin/v1/workers                    the simulated GPUs of all server processes
POST /admin/v1/workers/{number}/fail, /drain, /restore
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import unquote

import msgspec

from wiremark_server.domain import problem
from wiremark_server.domain.problem import Problem, ProblemError
from wiremark_server.edge import document
from wiremark_server.edge.handler import log_fault, new_request_id
from wiremark_server.edge.message import ClientGoneError, Receive, Request, Scope, Send
from wiremark_server.engine.workers import CHANGES, Change, Staff, WorkerAway
from wiremark_server.keys import LIMITS, PREFIX_OF_ANY, Key, KeyStore, LimitOverrides, UnknownKey
from wiremark_server.ledger.records import MAX_AMOUNT, LedgerConflict, LedgerUnavailable
from wiremark_server.ledger.store import Ledger

PREFIX = "/admin/v1/"
_LARGEST_BODY = 64 * 1024
_STATUS: Mapping[str, int] = {
    "missing_key": 401,
    "invalid_key": 401,
    "unknown_route": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "overloaded": 503,
    "server_error": 500,
}
"""By situation; any other is a 400."""

Reply = tuple[int, Any]
T = TypeVar("T", bound=msgspec.Struct)


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What may be asked of a new key; the prefix and limits that are not named are the contract's."""

    account_id: str
    prefix: str | None = None
    contract: str | None = None
    allowed_models: list[str] | None = None
    monthly_cap_microusd: int | None = None
    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None

    def limits(self) -> LimitOverrides | None:
        own = LimitOverrides(
            self.requests_per_minute, self.requests_per_day, self.tokens_per_minute, self.concurrent_requests
        )
        return None if own == LimitOverrides() else own

    def check(self) -> None:
        """Raises ProblemError."""
        if not self.account_id:
            raise problem.invalid_request("An account needs a name.", "account_id")
        for name in LIMITS:
            _at_least(name, getattr(self, name), 1)
        _at_least("monthly_cap_microusd", self.monthly_cap_microusd, 0)


class NewGrant(msgspec.Struct, forbid_unknown_fields=True):
    amount_microusd: int
    reason: str = "grant"
    transfer: str | None = None


class Admin:
    """Answers below PREFIX."""

    def __init__(
        self,
        ledger: Ledger,
        keys: KeyStore,
        secret: str,
        workers: Staff | None = None,
        prefix: Callable[[str | None], str] = lambda _: PREFIX_OF_ANY,
    ) -> None:
        """workers: that can be looked at and changed; None: there are none
        prefix:     what the secrets of a contract begin with, or of a key that opens all
        """
        self._workers = workers
        self._prefix = prefix
        self._ledger = ledger
        self._keys = keys
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(ClientGoneError):  # then nobody is left to be answered
            await self._serve(Request(scope, receive), send)

    async def _serve(self, request: Request, send: Send) -> None:
        request_id = new_request_id()
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (b"x-request-id", request_id.encode()),
        ]
        try:
            status, told = await self._answer(request)
        except Exception as error:  # noqa: BLE001 - the one boundary of the admin API
            found = _problem(error, request_id)
            status = _STATUS.get(found.situation, 400)
            told = {"error": {"message": found.message, "code": found.situation, "param": found.param}}
            if found.allow:
                headers.append((b"allow", ", ".join(found.allow).encode()))
            if found.retry_after:
                headers.append((b"retry-after", b"%d" % found.retry_after))
        body = msgspec.json.encode(told)
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, request: Request) -> Reply:
        self._authenticate(request)
        if not request.path.startswith(PREFIX):
            raise problem.unknown_route(request.method, request.path)
        path = request.path[len(PREFIX) :]
        words = tuple(unquote(word) for word in path.rstrip("/").split("/"))
        methods = {method: act for (method, pattern), act in ROUTES.items() if _fits(pattern, words)}
        if not methods:
            raise problem.unknown_route(request.method, request.path)
        act = methods.get(request.method)
        if act is None:
            raise problem.method_not_allowed(request.method, request.path, sorted(methods))
        try:
            return await act(self, request, words)
        except UnknownKey as error:
            raise problem.unknown_route(request.method, request.path) from error
        except LedgerConflict as error:
            raise problem.invalid_request(str(error)) from None
        except LedgerUnavailable:
            raise problem.overloaded() from None

    def _authenticate(self, request: Request) -> None:
        scheme, _, given = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            raise problem.missing_key("Authorization: Bearer ADMIN_KEY")
        if not hmac.compare_digest(given.strip().encode("latin-1", "replace"), self._secret):
            raise problem.invalid_key()

    async def list_keys(self, request: Request, words: tuple[str, ...]) -> Reply:  # noqa: ARG002
        return 200, {"object": "list", "data": [shown(key) for key in self._keys.all()]}

    async def create_key(self, request: Request, words: tuple[str, ...]) -> Reply:  # noqa: ARG002
        asked = await _body(request, NewKey)
        asked.check()
        key, secret = await self._keys.create(
            asked.account_id,
            self._prefix(asked.contract) if asked.prefix is None else asked.prefix,
            allowed_models=asked.allowed_models,
            monthly_cap=asked.monthly_cap_microusd,
            limits=asked.limits(),
            contract=asked.contract,
        )
        return 201, shown(key) | {"secret": secret}

    async def show_key(self, request: Request, words: tuple[str, ...]) -> Reply:  # noqa: ARG002
        return 200, shown(self._keys.named(words[1]))

    async def change_key(self, request: Request, words: tuple[str, ...]) -> Reply:  # noqa: ARG002
        _, key_id, change = words
        if change == "rotate":
            prefix = self._prefix(self._keys.named(key_id).contract)
            key, secret = await self._keys.rotate(key_id, prefix)
            return 200, shown(key) | {"secret": secret}
        await {"disable": self._keys.disable, "enable": self._keys.enable, "revoke": self._keys.revoke}[
            change
        ](key_id)
        return 200, shown(self._keys.named(key_id))

    async def show_account(self, request: Request, words: tuple[str, ...]) -> Reply:  # noqa: ARG002
        return 200, (await self._ledger.balance(words[1])).to_json()

    async def grant(self, request: Request, words: tuple[str, ...]) -> Reply:
        asked = await _body(request, NewGrant)
        if not 0 < asked.amount_microusd <= MAX_AMOUNT:
            raise problem.invalid_request(f"Expected 1 to {MAX_AMOUNT} µUSD.", "amount_microusd")
        transfer = None if asked.transfer is None else f"{words[1]}/{asked.transfer}"
        await self._ledger.grant(words[1], asked.amount_microusd, asked.reason, transfer)
        return 201, (await self._ledger.balance(words[1])).to_json()

    async def list_workers(self, request: Request, words: tuple[str, ...]) -> Reply:  # noqa: ARG002
        workers = self._known_workers(request)
        return 200, {"object": "list", "data": [worker.to_json() for worker in workers.all]}

    async def change_worker(self, request: Request, words: tuple[str, ...]) -> Reply:
        workers = self._known_workers(request)
        _, number, change = words
        if not (number.isascii() and number.isdigit() and len(number) < 5 and int(number) < len(workers.all)):
            raise problem.unknown_route(request.method, request.path)
        try:
            await workers.change(int(number), cast(Change, change))
        except WorkerAway:
            raise problem.worker_away(number) from None
        return 200, workers.all[int(number)].to_json()

    def _known_workers(self, request: Request) -> Staff:
        if self._workers is None:
            raise problem.unknown_route(request.method, request.path)
        return self._workers


_Act = Callable[[Admin, Request, tuple[str, ...]], Awaitable[Reply]]
_KEY_CHANGES = ("disable", "enable", "revoke", "rotate")
ROUTES: Mapping[tuple[str, tuple[str, ...]], _Act] = {
    ("GET", ("keys",)): Admin.list_keys,
    ("POST", ("keys",)): Admin.create_key,
    ("GET", ("keys", "*")): Admin.show_key,
    **{("POST", ("keys", "*", change)): Admin.change_key for change in _KEY_CHANGES},
    ("GET", ("accounts", "*")): Admin.show_account,
    ("POST", ("accounts", "*", "grants")): Admin.grant,
    ("GET", ("workers",)): Admin.list_workers,
    **{("POST", ("workers", "*", change)): Admin.change_worker for change in CHANGES},
}


def _problem(error: Exception, request_id: str) -> Problem:
    if isinstance(error, ClientGoneError):
        raise error
    if isinstance(error, ProblemError):
        return error.problem
    log_fault(error, request_id)
    return problem.server_error(request_id).problem


def shown(key: Key) -> dict[str, Any]:
    """A key as an operator sees it."""
    limits = key.limits or LimitOverrides()
    return {
        "id": key.id,
        "object": "key",
        "account_id": key.account_id,
        "state": key.state,
        "contract": key.contract,
        "allowed_models": None if key.allowed_models is None else sorted(key.allowed_models),
        "monthly_cap_microusd": key.monthly_cap,
        "limits": {name: limit for name in LIMITS if (limit := getattr(limits, name)) is not None},
    }


def _fits(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return len(pattern) == len(words) and all(
        word and expected in ("*", word) for expected, word in zip(pattern, words, strict=True)
    )


async def _body(request: Request, kind: type[T]) -> T:
    document.check_media(request.header("content-type"), request.header("content-encoding"))
    try:
        return msgspec.json.decode(await request.body(_LARGEST_BODY), type=kind)
    except UnicodeDecodeError:
        raise problem.malformed_json("it is not valid UTF-8") from None
    except msgspec.ValidationError as error:
        raise problem.invalid_request(f"{error}.") from None
    except msgspec.DecodeError as error:
        raise problem.malformed_json(str(error)) from None


def _at_least(name: str, value: int | None, least: int) -> None:
    if value is not None and not least <= value <= MAX_AMOUNT:
        raise problem.invalid_request(f"Expected {least} to {MAX_AMOUNT}, or null.", name)
