"""What has to succeed before a server starts: one sentence if not, and nothing left behind."""

from __future__ import annotations

import json
import os
import resource
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract

from wiremark_server.operations import OPERATIONS
from wiremark_server.policy.auth import SCHEMES
from wiremark_server.settings import Settings


class StartError(Exception):
    """The server cannot start; the text says why and what to do."""


def check_servable(contract: Contract) -> None:
    """Refuse a contract that describes an endpoint but not enough to be one."""
    if not contract.models:
        raise StartError(
            f"the contract {contract.name!r} lists no models, so there is nothing to serve; "
            "choose another, or add models to it"
        )
    if not contract.raw["auth"].get("key_prefix"):
        raise StartError(f"the contract {contract.name!r} has no auth.key_prefix to make keys with; add one")
    for kind, wanted, known in (
        ("credential scheme", contract.raw["auth"]["schemes"], SCHEMES),
        ("operation", contract.raw["operations"], OPERATIONS),
    ):
        missing = [name for name in wanted if name not in known]
        if missing:
            raise StartError(
                f"the contract {contract.name!r} has the {kind} {missing[0]!r}, "
                f"which this server does not serve; it serves: {', '.join(known)}"
            )


def contracts_to_serve(settings: Settings) -> list[Contract]:
    """Those that are asked for, which can be served and have all that the other settings name."""
    served: dict[str, Contract] = {}
    for name in settings.contracts:
        contract = contracts.load(name)
        check_servable(contract)
        if contract.name in served:
            raise StartError(f"the contract {contract.name!r} is asked for twice")
        served[contract.name] = contract
    offering = {offer.provider for found in served.values() for m in found.models for offer in m.offers}
    models = {model.id for found in served.values() for model in found.models}
    for model in settings.profiles:
        if model not in models:
            raise StartError(
                f"no contract that is served has a model {model!r} to give a profile; "
                f"there are: {', '.join(sorted(models)) or 'none'}"
            )
    for provider in settings.upstreams:
        if provider not in offering:
            raise StartError(
                f"no contract that is served has a provider {provider!r} to put the upstream behind; "
                f"there are: {', '.join(sorted(offering)) or 'none'}"
            )
    if not served:
        raise StartError("no contract is named; give one by --contract")
    return list(served.values())


def allow_connections() -> None:
    """As many open files, and with them connections, as the system lets this user have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listen(host: str, port: int, shared: bool = False) -> socket.socket:
    """A bound socket, so that a busy port is found before anything is written.

    shared: other sockets may be bound to the same address, each with a part of its connections
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError(f"cannot listen on host {host!r}: {error.strerror or error}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise StartError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0).lower()}; "
            "choose another port, or 0 for any free one"
        ) from None
    return bound


class CredentialsFile:
    """A file of one key per role, for its owner's eyes; appears whole or not at all."""

    def __init__(self, path: Path) -> None:
        """Claims a place beside `path`. Raises StartError when nothing can be written there."""
        self.path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            if path.is_dir():
                raise IsADirectoryError(21, "it is a directory")
            self._file = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise StartError(
                f"cannot write the credentials file {path}: {(error.strerror or str(error)).lower()}"
            ) from None

    def write(self, keys: Mapping[str, str]) -> None:
        with os.fdopen(self._file, "w", encoding="ascii") as file:
            file.write("# One API key per role, made when the server started. Keep it private.\n")
            file.writelines(f"{role}: {json.dumps(key)}\n" for role, key in keys.items())
        self._draft.replace(self.path)

    def discard(self) -> None:
        """Leave nothing behind when the file was never written."""
        self._draft.unlink(missing_ok=True)
