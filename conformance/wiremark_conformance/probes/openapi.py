"""Probes of the published description."""

from __future__ import annotations

from wiremark_conformance.probes.table import Draft, Probe, path

TABLE = (Probe("openapi", lambda c: Draft("GET", path(c, "openapi.get")), capability="openapi"),)
