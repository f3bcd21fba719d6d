"""Credential in a request → key record, or the problem with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wiremark_schemas.contracts import Contract

from wiremark_server.dialects.format import RequestHead
from wiremark_server.domain import problem
from wiremark_server.keys import Key, KeyStore


def _bearer(head: RequestHead) -> str | None:
    scheme, _, secret = (head("authorization") or "").partition(" ")
    return secret.strip() or None if scheme.lower() == "bearer" else None


SCHEMES: dict[str, tuple[Callable[[RequestHead], str | None], str]] = {
    "bearer": (_bearer, "Authorization: Bearer YOUR_KEY"),
    "x-api-key": (lambda head: head("x-api-key") or None, "x-api-key: YOUR_KEY"),
    "x-goog-api-key": (lambda head: head("x-goog-api-key") or None, "x-goog-api-key: YOUR_KEY"),
    "query": (lambda head: head.query.get("key") or None, "?key=YOUR_KEY"),
}

_REFUSED: dict[str, Callable[[], problem.ProblemError]] = {
    "revoked": problem.invalid_key,
    "disabled": problem.key_disabled,
}


class Authenticator:
    """Tries the contract's credential schemes in their order."""

    def __init__(self, contract: Contract, keys: KeyStore) -> None:
        schemes: Iterable[str] = contract.raw["auth"]["schemes"]
        self._readers = [SCHEMES[scheme] for scheme in schemes if scheme in SCHEMES]
        self._keys = keys
        # A key opens the contract that it was made for, and those that say so of that contract.
        self._own = {None, contract.name, *contract.raw["auth"].get("keys_of", ())}

    def __call__(self, head: RequestHead) -> Key:
        """The key that a request presents. Raises ProblemError for none, unknown (here), revoked or disabled.

        One good key is enough: clients send a token for somebody else beside it.
        """
        refusal: problem.ProblemError | None = None
        for read, _ in self._readers:
            secret = read(head)
            if secret is not None:
                key = self._keys.look_up(secret)
                if key is not None and key.contract not in self._own:
                    key = None
                if key is not None and key.state not in _REFUSED:
                    return key
                refusal = refusal or _REFUSED["revoked" if key is None else key.state]()
        raise refusal or problem.missing_key(self._readers[0][1])
