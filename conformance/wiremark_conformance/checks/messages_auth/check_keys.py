"""Which header carries the key, and keys that are no good."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.checks.auth.check_keys import no_echo, restricted_model, unauthorized

for _name in ("x-api-key", "bearer", "both", "stray-bearer"):
    accepted(f"messages.auth.{_name}", f"messages.auth.{_name}")

for _name, _probe in (
    ("no-key", "messages.auth.no-key"),
    ("wrong-key", "messages.auth.wrong-key"),
    ("revoked-key", "messages.keys.revoked"),
):
    check(f"messages.auth.{_name}", _probe, expects="refusal")(unauthorized)

check("messages.auth.no-echo", "messages.auth.wrong-key", expects="any")(no_echo)
check("messages.auth.restricted-model", "messages.keys.restricted", expects="refusal")(restricted_model)
