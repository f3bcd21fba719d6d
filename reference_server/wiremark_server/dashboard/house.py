"""What the pages are made from, and one visit to them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from wiremark_schemas.contracts import Contract

from wiremark_server.clock import Clock
from wiremark_server.dashboard import render
from wiremark_server.dashboard.records import Records
from wiremark_server.dashboard.session import Session
from wiremark_server.dashboard.viewer import OPERATOR, Viewer
from wiremark_server.edge.message import Response
from wiremark_server.engine.workers import Seen, Staff
from wiremark_server.keys import KeyStore, UnknownKey
from wiremark_server.ledger.store import Ledger
from wiremark_server.policy.call import Services

HTML = ("content-type", "text/html; charset=utf-8")
PAGES = (
    ("/dashboard", "Overview"),
    ("/dashboard/requests", "Requests"),
    ("/dashboard/keys", "Keys"),
    ("/dashboard/providers", "Providers"),
)
OPERATOR_PAGES = (("/dashboard/accounts", "Accounts"), ("/dashboard/ledger", "Ledger and holds"))


class House:
    """admin_key: signs the operator in; None: nobody can be the operator"""

    def __init__(
        self,
        ledger: Ledger,
        keys: KeyStore,
        clock: Clock,
        served: Sequence[Services],
        admin_key: str | None,
        workers: Staff | None = None,
    ) -> None:
        self._workers = workers
        self.ledger = ledger
        self.keys = keys
        self.clock = clock
        self.served = served
        self.records = Records(ledger)
        self._admin = None if admin_key is None else hashlib.sha256(admin_key.encode()).digest()

    @property
    def workers(self) -> Sequence[Seen]:
        """The simulated GPUs as they are now."""
        return () if self._workers is None else self._workers.all

    def proof(self, subject: str) -> bytes | None:
        """The digest of the secret that a subject signs in with; None for one that may not any more."""
        if subject == OPERATOR:
            return self._admin
        try:
            active = self.keys.named(subject).state == "active"
        except UnknownKey:
            return None
        return self.keys.digest(subject) if active else None

    def admit(self, secret: str) -> str | None:
        """The subject that a secret belongs to."""
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).digest()
        key = self.keys.find(secret)
        if self._admin is not None and hmac.compare_digest(digest, self._admin):
            return OPERATOR
        return None if key is None else key.id

    def viewer(self, subject: str) -> Viewer:
        return Viewer(None if subject == OPERATOR else self.keys.named(subject))

    @cached_property
    def models(self) -> list[str]:
        """Of every contract that is served."""
        return sorted({model.id for services in self.served for model in services.contract.models})

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """Those that are served, by name."""
        return {services.contract.name: services.contract for services in self.served}

    def models_of(self, contract: str | None) -> list[str]:
        """What a key of a contract, or one that opens all, can be for."""
        found = self.contracts.get(contract or "")
        return self.models if found is None else sorted({model.id for model in found.models})

    def prefix(self, contract: str | None) -> str:
        """What the secrets of a contract begin with; of a key that opens all, as of the first."""
        found = self.contracts.get(contract or "") or self.served[0].contract
        return str(found.raw["auth"]["key_prefix"])

    def month(self) -> str:
        return datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y-%m")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in.

    words:  of the path below `/dashboard`
    fields: of the form that was sent
    """

    house: House
    viewer: Viewer
    session: Session
    path: str
    words: tuple[str, ...]
    query: Mapping[str, str]
    fields: Mapping[str, Sequence[str]]

    @property
    def contract(self) -> str | None:
        """The only one that the viewer's key opens; None for the operator and for keys that open all."""
        return None if self.viewer.key is None else self.viewer.key.contract

    def field(self, name: str) -> str:
        return next(iter(self.fields.get(name, ())), "").strip()

    def page(self, template: str, title: str, status: int = 200, **shown: Any) -> Response:
        pages = PAGES + (OPERATOR_PAGES if self.viewer.operator else ())
        shown = {"problem": "", "live": False, **shown}
        body = render.page(
            template,
            title=title,
            viewer=self.viewer,
            form=self.session.form,
            pages=pages,
            here=self.path,
            now=self.house.clock.now(),
            **shown,
        )
        return Response(status, body, (HTML,))

    @property
    def scope(self) -> list[str] | None:
        """Ids of the keys whose requests are shown; None for everybody's."""
        return (
            None if self.viewer.operator else [key.id for key in self.viewer.visible(self.house.keys.all())]
        )
