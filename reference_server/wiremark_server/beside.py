"""What is served beside the contracts: the admin API, the dashboard, the metrics, the descriptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wiremark_server.clock import Clock
from wiremark_server.dashboard.house import House
from wiremark_server.dashboard.session import Sessions
from wiremark_server.dashboard.site import Dashboard
from wiremark_server.edge.admin import Admin
from wiremark_server.edge.descriptions import Descriptions
from wiremark_server.edge.front import Site
from wiremark_server.engine.workers import Staff
from wiremark_server.keys import KeyStore
from wiremark_server.ledger.store import Ledger
from wiremark_server.metrics.registry import Registry
from wiremark_server.metrics.site import Watch
from wiremark_server.policy.call import Services


def sites(
    ledger: Ledger,
    keys: KeyStore,
    clock: Clock,
    served: Sequence[Services],
    registry: Registry,
    ready: Callable[[], str],
    sealing: bytes,
    admin_key: str | None,
    workers: Staff | None = None,
) -> dict[bytes, Site]:
    """By the first segment of their paths.

    sealing:   secret that the dashboard's cookies are sealed with, the same in every process
    admin_key: None: no admin API, and nobody is the operator on the dashboard
    workers:   of all processes, for the operator; None: nobody looks after any
    """
    watch = Watch(registry, ready)
    house = House(ledger, keys, clock, served, admin_key, workers)
    dashboard = Dashboard(house, Sessions(sealing, clock))
    descriptions = {services.contract.name: services.description for services in served}
    found: dict[bytes, Site] = {
        b"/openapi": Descriptions(descriptions),
        b"/metrics": watch,
        b"/health": watch,
        b"/ready": watch,
        b"/dashboard": dashboard,
    }
    if admin_key is not None:
        found[b"/admin"] = Admin(ledger, keys, admin_key, workers, house.prefix)
    return found
