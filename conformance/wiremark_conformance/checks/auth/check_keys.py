"""Keys that are missing, wrong, revoked or not good for a model."""

from __future__ import annotations

import re

from wiremark_conformance import codes
from wiremark_conformance.checking import check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes.table import WRONG_KEY
from wiremark_conformance.values import shown

_DISABLED = re.compile(r"\b(disabled|enabled?|inactive|not active|suspended)\b", re.IGNORECASE)


def unauthorized(view: View) -> Outcome:
    """Anything but 401."""
    return None if view.status == 401 else f"answered {view.status_line}{view.error_text}, not 401"


check("auth.missing-key", "auth.no-key", expects="refusal")(unauthorized)
check("auth.wrong-key", "auth.wrong-key", expects="refusal")(unauthorized)
check("auth.revoked-key", "keys.revoked", expects="refusal")(unauthorized)


@check("auth.disabled-key", "keys.disabled", expects="refusal")
def disabled_key(view: View) -> Outcome:
    if view.status in {401, 403}:
        return None
    return f"answered {view.status_line}{view.error_text}, not 401 or 403"


@check("auth.disabled-key-clear", "keys.disabled", expects="error")
def disabled_key_clear(view: View) -> Outcome:
    found = view.envelope.get("message")
    if isinstance(found, str) and _DISABLED.search(found):
        return None
    return f"`error.message` is {shown(found)}, which does not tell a disabled key from a wrong one"


@check("auth.wrong-key-code", "auth.wrong-key", expects="refusal")
def wrong_key_code(view: View) -> Outcome:
    return codes.usual(view, "invalid_key", "invalid_api_key")


@each("auth.challenge", "auth.no-key", "auth.wrong-key", expects="refusal")
def challenge(view: View) -> Outcome:
    if view.status != 401:
        raise NotTestable(f"answered {view.status_line}, not 401")
    return None if view.header("www-authenticate") else "the 401 has no `WWW-Authenticate`"


@check("auth.scheme-case", "models.list", "models.get", expects="any")
def scheme_case(usual: View, other_case: View) -> Outcome:
    if not usual.succeeded:
        raise NotTestable("the key is not accepted at all")
    if not any(value.startswith("bearer ") for name, value in other_case.exchange.request.headers):
        raise NotTestable("no key is sent as a bearer token")
    if other_case.status in {401, 403}:
        return f"`Authorization: bearer …` is answered {other_case.status_line}, `Bearer` is not"
    return None


@check("auth.no-echo", "auth.wrong-key", expects="any")
def no_echo(view: View) -> Outcome:
    found = WRONG_KEY.encode() in view.exchange.body
    return "the answer to a wrong key holds the key that was sent" if found else None


@check("auth.restricted-model", "keys.restricted", expects="refusal")
def restricted_model(view: View) -> Outcome:
    if view.status in {403, 404}:
        return None
    return f"answered {view.status_line}{view.error_text}, not 403"


check("auth.before-body", "auth.no-key.malformed", expects="refusal")(unauthorized)
check("auth.before-model", "auth.no-key.unknown-model", expects="refusal")(unauthorized)
check("auth.models", "auth.no-key.models", expects="any")(unauthorized)
