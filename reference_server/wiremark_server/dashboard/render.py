"""Templates to pages. Jinja escapes everything that is put into them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from wiremark_server.clock import rfc3339

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> Environment:
    """Made when the first page is asked for: who only calls the API need not wait for it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("wiremark_server.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"money": money, "time": rfc3339, "number": number}
    return made


def page(template: str, **shown: Any) -> bytes:
    return _environment().get_template(f"{template}.html").render(shown).encode()


def money(microusd: int) -> str:
    """Exact, in dollars."""
    whole, rest = divmod(abs(microusd), 1_000_000)
    return f"{'-' if microusd < 0 else ''}${whole:,}.{rest:06d}"


def number(count: int) -> str:
    return f"{count:,}"
