"""What one server process is told: command line → frozen, checked settings."""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from wiremark_server.engine import pace
from wiremark_server.ledger.stores import is_shared
from wiremark_server.media.guard import Network

ADMIN_VARIABLE = "WIREMARK_ADMIN_KEY"
_SHORTEST_ADMIN_KEY = 16
_LONGEST_WAIT = 3600


@dataclass(frozen=True, slots=True)
class Remote:
    """A real OpenAI-compatible server; `key` is what it is sent as a bearer token."""

    base_url: str
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `wiremark serve` was asked for.

    contracts:        names or paths; several are served together, each below its own name
    port:             0 lets the system choose
    db:               a file or postgresql://…; None means a fresh temporary file, removed at exit
    admin_key:        opens /admin/v1; None: there is no admin API
    processes:        how many serve the port together
    limits_url:       redis://… of counters that several processes share; None keeps them in memory
    credentials_file: None means one beside the temporary files, removed at exit; with several contracts each
                      has its own, the contract's name before the ending
    webhook_networks: networks that are not public and may be sent to all the same
    upstreams:        real servers by the name of the provider that they stand behind
    profile:          pace of the simulated engine; profiles: of single models, by their ids
    workers:          simulated GPUs of each process and profile, or groups of them that work as one
    warm_up:          seconds until a worker that has started is ready
    drain:            seconds that answers in flight get at the end before they are cut off
    seed:             of everything the simulated engine says, of the roles' keys, and of chance
    faults, variants: names in the catalogue; the variant `all` stands for every one
    variant_rate:     share of the requests on which each variant shows
    control_port:     of the loopback address, where faults can be switched; None for no such port
    """

    contracts: tuple[str, ...]
    host: str
    port: int
    db: str | None
    credentials_file: Path | None
    upstreams: Mapping[str, Remote]
    webhook_networks: tuple[Network, ...]
    seed: int
    profile: str
    profiles: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1
    warm_up: float = 0.0
    drain: float = 30.0
    faults: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    variant_rate: float = 1.0
    limits_url: str | None = None
    processes: int = 1
    admin_key: str | None = field(default=None, repr=False)
    control_port: int | None = None


def parse(argv: list[str]) -> Settings:
    """Read the arguments of `wiremark serve`; argparse ends the process with 2 on wrong use."""
    parser = argparse.ArgumentParser(
        prog="wiremark serve",
        description="Serve a contract: a gateway with keys, limits and a ledger over a simulated engine.",
    )
    parser.add_argument(
        "--contract",
        action="append",
        metavar="NAME|PATH[,…]",
        help="what to serve; several of them, with commas or by repetition, are served below their names "
        "(default: openai)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, help="0 for any free port (default: 8000)")
    parser.add_argument(
        "--db",
        metavar="PATH|URL",
        help="ledger file, or postgresql://… to share it with other processes (default: temporary file)",
    )
    parser.add_argument(
        "--processes",
        type=_count,
        default=1,
        metavar="N",
        help="server processes behind the port; several need a --db and a --limits-url to share",
    )
    parser.add_argument(
        "--admin-key-file",
        type=Path,
        metavar="PATH",
        help=f"a file with the key of the admin API, /admin/v1 (default: {ADMIN_VARIABLE}; without, no API)",
    )
    parser.add_argument(
        "--limits-url",
        metavar="URL",
        help="redis://… where several processes count requests together (default: in memory)",
    )
    parser.add_argument(
        "--credentials-file",
        type=Path,
        metavar="PATH",
        help="where to write one new key per role, as YAML; keys of earlier starts on the same --db stay "
        "valid (default: temporary)",
    )
    parser.add_argument(
        "--upstream",
        action="append",
        default=[],
        type=_upstream,
        metavar="PROVIDER=URL",
        help="an OpenAI-compatible server behind a provider of the contract, by its base URL; its key is "
        "read from WIREMARK_UPSTREAM_KEY_PROVIDER (default: every provider is simulated)",
    )
    parser.add_argument(
        "--allow-webhooks",
        action="append",
        default=[],
        type=ipaddress.ip_network,
        metavar="NETWORK",
        help="a network that webhooks may be sent to although it is not public, such as 127.0.0.0/8",
    )
    parser.add_argument("--seed", type=int, help="makes answers repeatable (default: drawn, and printed)")
    parser.add_argument(
        "--profile",
        action="append",
        default=[],
        type=_profile,
        metavar="[MODEL=]NAME",
        help=f"pace of the simulated engine, or of one model: {', '.join(pace.names())} (default: instant)",
    )
    parser.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="simulated GPUs of each profile (default: 1)"
    )
    parser.add_argument(
        "--warm-up",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="until a simulated GPU that has started is ready; requests wait, /ready says so (default: 0)",
    )
    parser.add_argument(
        "--drain",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="for answers in flight at SIGTERM, new requests get 503; then they are cut off (default: 30)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="misbehave: faults of the catalogue, on every request (`wiremark faults` lists them)",
    )
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="behave legally but awkwardly: variants of the catalogue, or `all`",
    )
    parser.add_argument(
        "--variants",
        type=_rate,
        metavar="RATE",
        help="share of the requests on which each variant shows (default: 1); without --variant, of all",
    )
    parser.add_argument(
        "--control-port",
        type=_port,
        metavar="PORT",
        help="a port of 127.0.0.1 where faults are switched on for one key or some requests; 0: any",
    )
    given = parser.parse_args(argv)
    if given.processes > 1:
        if not given.db or not is_shared(given.db):
            parser.error("--processes needs a ledger that they can share: --db postgresql://…")
        if given.control_port is not None:
            parser.error(
                "--control-port switches faults in one process alone; leave out --processes, "
                "or name the faults by --fault, which all processes show"
            )
        if not given.limits_url:
            parser.error("--processes needs counters that they can share: --limits-url redis://…")
    for flag in ("fault", "variant"):
        if getattr(given, flag) and not _names(getattr(given, flag)):
            parser.error(f"--{flag} names none; `wiremark faults` lists what there is")
    variants = _names(given.variant) or (("all",) if given.variants is not None else ())
    return Settings(
        contracts=tuple(name for names in given.contract or ["openai"] for name in names.split(",") if name),
        host=given.host,
        port=given.port,
        db=given.db,
        limits_url=given.limits_url,
        processes=given.processes,
        admin_key=_admin_key(parser, given.admin_key_file),
        credentials_file=given.credentials_file,
        upstreams=dict(given.upstream),
        webhook_networks=tuple(given.allow_webhooks),
        seed=secrets.randbelow(2**32) if given.seed is None else given.seed,
        profile=dict(given.profile).get("", "instant"),
        profiles={model: name for model, name in given.profile if model},
        workers=given.workers,
        warm_up=given.warm_up,
        drain=given.drain,
        faults=_names(given.fault),
        variants=variants,
        control_port=given.control_port,
        variant_rate=1.0 if given.variants is None else given.variants,
    )


def _names(lists: list[str]) -> tuple[str, ...]:
    return tuple(name for given in lists for part in given.split(",") if (name := part.strip()))


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share; give a number from 0 to 1")
    return rate


def _admin_key(parser: argparse.ArgumentParser, path: Path | None) -> str | None:
    """From the file, else from the environment; a key that can be guessed is refused."""
    if path is None:
        key = os.environ.get(ADMIN_VARIABLE, "").strip()
    else:
        try:
            key = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            parser.error(f"--admin-key-file {path}: it cannot be read ({type(error).__name__})")
    if not key and path is None:
        return None
    if len(key) < _SHORTEST_ADMIN_KEY or not key.isascii():
        parser.error(f"an admin key has at least {_SHORTEST_ADMIN_KEY} ASCII characters")
    return key


def _count(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no such number; give one from 1 to 64")
    return int(text)


def _profile(text: str) -> tuple[str, str]:
    """The model, empty for all of them, and the profile."""
    model, _, name = text.rpartition("=")
    if name not in pace.names() or text.startswith("="):
        raise argparse.ArgumentTypeError(f"{text!r} names no profile; there are: {', '.join(pace.names())}")
    return model, name


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; give seconds from 0 to {_LONGEST_WAIT}")
    return seconds


def _upstream(text: str) -> tuple[str, Remote]:
    provider, _, url = text.partition("=")
    if not provider or urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not PROVIDER=URL, with a URL of http or https")
    key = os.environ.get(f"WIREMARK_UPSTREAM_KEY_{provider.upper().replace('-', '_')}")
    return provider, Remote(url, key)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give a number from 0 to 65535")
    return int(text)
