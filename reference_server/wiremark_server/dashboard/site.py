"""The dashboard as an ASGI application: cookies, forms and headers around the pages.

GET  /dashboard, /requests, /requests.csv, /keys, /providers     below /dashboard, for any key
GET  /accounts, /ledger                                          for the admin key
POST /sign-in, /sign-out, /keys, /keys/{id}/{change}, /accounts
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from functools import cache
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from wiremark_server.dashboard import forms, operator_pages, pages, render
from wiremark_server.dashboard.house import HTML, House, Visit
from wiremark_server.dashboard.session import SECONDS, Session, Sessions
from wiremark_server.dashboard.viewer import OPERATOR
from wiremark_server.domain.problem import ProblemError
from wiremark_server.edge.handler import log_fault, new_request_id
from wiremark_server.edge.message import ClientGoneError, Headers, Receive, Request, Response, Scope, Send
from wiremark_server.ledger.records import LedgerUnavailable

COOKIE = "wiremark_session"
_LARGEST_FORM = 64 * 1024
_FORM = "application/x-www-form-urlencoded"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Headers = (
    ("content-security-policy", _POLICY),
    ("cache-control", "no-store"),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
Answer = tuple[Response, AsyncGenerator[bytes, None]]
_Page = Callable[[Visit], Awaitable[Response | Answer]]
_CHANGES = ("rotate", "disable", "enable", "revoke")
PAGES: Mapping[tuple[str, ...], _Page] = {
    (): pages.overview,
    ("requests",): pages.requests,
    ("requests.csv",): pages.export,
    ("keys",): pages.keys,
    ("providers",): pages.providers,
}
OPERATOR_PAGES: Mapping[tuple[str, ...], _Page] = {
    ("accounts",): operator_pages.accounts,
    ("ledger",): operator_pages.ledger,
}
FORMS: Mapping[tuple[str, tuple[str, ...]], _Page | None] = {
    ("POST", ("sign-in",)): None,  # these two are about the session itself
    ("POST", ("sign-out",)): None,
    ("POST", ("keys",)): forms.create_key,
    ("POST", ("keys", "{key}", "{change}")): forms.change_key,
    ("POST", ("accounts",)): forms.grant,
}


class Dashboard:
    """Answers below `/dashboard`."""

    def __init__(self, house: House, sessions: Sessions) -> None:
        self._house = house
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request_id = new_request_id()
        try:
            answer = await self._answer(request, secure=scope.get("scheme") == "https")
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 - the one boundary of the pages
            log_fault(error, request_id)
            answer = _bare("message", f"The server had an error; name the request {request_id}", 500)
        response, rest = answer if isinstance(answer, tuple) else (answer, None)
        await _send(response, rest, send, request_id)

    async def _answer(self, request: Request, *, secure: bool) -> Response | Answer:
        words = tuple(unquote(word) for word in request.path.split("/")[2:] if word)
        token = _cookie(request)
        try:
            if request.method in {"GET", "HEAD"}:
                return await self._show(request, words, token)
            if request.method == "POST":
                return await self._take(request, words, token, secure=secure)
        except LedgerUnavailable:
            return _bare("message", "The ledger cannot be reached; try again in a moment", 503)
        except ProblemError as error:
            return _bare("message", error.problem.message, 413)
        return _bare("message", "This cannot be done here", 405, (("allow", "GET, HEAD, POST"),))

    async def _show(self, request: Request, words: tuple[str, ...], token: str) -> Response | Answer:
        if words == ("style.css",):
            return Response(200, _style(), (("content-type", "text/css; charset=utf-8"),))
        session = self._sessions.read(token, self._house.proof)
        if session is None:
            return _bare("sign_in", "Sign in", 401 if words else 200)
        visit = self._visit(request, words, session, {})
        page = PAGES.get(words) or (OPERATOR_PAGES.get(words) if visit.viewer.operator else None)
        if page is None:
            return visit.page("message", "There is no such page", 404)
        return await page(visit)

    async def _take(
        self, request: Request, words: tuple[str, ...], token: str, *, secure: bool
    ) -> Response | Answer:
        if not _same_site(request) or (request.header("content-type") or "").partition(";")[0] != _FORM:
            return _bare("message", "This form came from somewhere else; open it here and send it", 403)
        body = await request.body(_LARGEST_FORM)
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        if words == ("sign-in",):
            return self._sign_in(fields, secure=secure)
        session = self._sessions.read(token, self._house.proof)
        if session is None:
            return _bare("sign_in", "Sign in", 401)
        given = (fields.get("form") or [""])[0]
        if not hmac.compare_digest(given.encode("utf-8", "replace"), session.form.encode()):
            return _bare("message", "This form is too old; open it again and send it", 403)
        if words == ("sign-out",):
            return _moved("/dashboard", _set_cookie("", 0, secure=secure))
        visit = self._visit(request, words, session, fields)
        action = _action(words, operator=visit.viewer.operator)
        if action is None:
            return visit.page("message", "There is no such page", 404)
        answer = await action(visit)
        if session.subject != OPERATOR and words[1:] == (session.subject, "rotate"):
            # The secret that the session was sealed with is gone; who has just changed it stays signed in.
            proof = self._house.proof(session.subject)
            if proof is not None and isinstance(answer, Response):
                cookie = _set_cookie(self._sessions.issue(session.subject, proof), SECONDS, secure=secure)
                return Response(answer.status, answer.body, (*answer.headers, cookie))
        return answer

    def _sign_in(self, fields: Mapping[str, Sequence[str]], *, secure: bool) -> Response:
        subject = self._house.admit((fields.get("key") or [""])[0].strip())
        proof = None if subject is None else self._house.proof(subject)
        if subject is None or proof is None:
            problem = "No active key has this secret. Check it, or ask who gave it to you."
            return _bare("sign_in", "Sign in", 401, problem=problem)
        cookie = _set_cookie(self._sessions.issue(subject, proof), SECONDS, secure=secure)
        return _moved("/dashboard", cookie)

    def _visit(
        self, request: Request, words: tuple[str, ...], session: Session, fields: Mapping[str, Sequence[str]]
    ) -> Visit:
        return Visit(
            house=self._house,
            viewer=self._house.viewer(session.subject),
            session=session,
            path="/".join(("/dashboard", *words)),
            words=words,
            query=dict(parse_qsl(request.query.decode("latin-1"))),
            fields=fields,
        )


def _action(words: tuple[str, ...], *, operator: bool) -> _Page | None:
    pattern = ("keys", "{key}", "{change}") if len(words) == 3 and words[0] == "keys" else words
    if len(words) == 3 and words[2] not in _CHANGES:
        return None
    form = FORMS.get(("POST", pattern))
    return None if form is None or (form is forms.grant and not operator) else form


def _same_site(request: Request) -> bool:
    """A browser says where a form came from; what says nothing is no browser and has no cookie of one."""
    if request.header("sec-fetch-site") not in {None, "same-origin", "none"}:
        return False
    origin = request.header("origin")
    return origin is None or urlsplit(origin).netloc == request.header("host")


def _cookie(request: Request) -> str:
    try:
        morsel = SimpleCookie(request.header("cookie") or "").get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def _set_cookie(token: str, seconds: int, *, secure: bool) -> tuple[str, str]:
    more = "; Secure" if secure else ""
    return (
        "set-cookie",
        f"{COOKIE}={token}; Path=/dashboard; Max-Age={seconds}; HttpOnly; SameSite=Strict{more}",
    )


def _moved(path: str, *headers: tuple[str, str]) -> Response:
    answer = forms.see(path)
    return Response(answer.status, answer.body, (*answer.headers, *headers))


def _bare(template: str, title: str, status: int, headers: Headers = (), problem: str = "") -> Response:
    """A page for nobody in particular."""
    body = render.page(template, title=title, viewer=None, problem=problem, live=False)
    return Response(status, body, (HTML, *headers))


@cache
def _style() -> bytes:
    return (files(__package__) / "style.css").read_bytes()


async def _send(
    response: Response, rest: AsyncGenerator[bytes, None] | None, send: Send, request_id: str
) -> None:
    headers = [*response.headers, *_HEADERS, ("x-request-id", request_id)]
    if rest is None:
        headers.append(("content-length", str(len(response.body))))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    if rest is not None:
        async with contextlib.aclosing(rest):
            async for part in rest:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})
