"""`Idempotency-Key`: however often a request is repeated, it is charged once and answered the same.

A key counts for one API key and one operation, for a day. A repeat with another body is refused (422), one
that comes while the first is being answered has to wait (409); a first that failed leaves the way free, and
of one that was cut off the repeat pays the rest. After a success the answer is made again, at no charge:
answers are nowhere on disk, and the engine says the same to the same request.
"""

from __future__ import annotations

import hashlib

import msgspec

from wiremark_server.domain import problem
from wiremark_server.ledger.records import ClaimRequest, Refused
from wiremark_server.policy.call import Call

HEADER = "idempotency-key"
_LONGEST = 255


def claim(call: Call) -> ClaimRequest | None:
    """What the request claims; None without the header. Raises ProblemError for a name that is no name."""
    name = call.header(HEADER)
    if name is None:
        return None
    if not 0 < len(name) <= _LONGEST:
        raise problem.invalid_request(f"Idempotency-Key has {len(name)} characters; send 1 to {_LONGEST}.")
    body = msgspec.json.encode([call.document, call.parameters], order="sorted")
    return ClaimRequest(call.operation, name, hashlib.blake2b(body, digest_size=16).digest())


def repeat(call: Call, done: Refused) -> None:
    """Answer as the request that succeeded: the same id and time, and a header that says so."""
    call.answer_id, call.created = done.earlier, done.since
    call.headers += [("idempotent-replayed", "true"), ("original-request-id", done.earlier)]
