"""HTML that is escaped unless it was built here.

Text from an endpoint is hostile until shown otherwise, so escaping is not something a caller can
forget: `element` escapes every child and attribute that is not `Html`, and only this module and
the files of this package make `Html`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

_VOID = frozenset({"meta", "input"})  # of HTML; SVG has none
# Characters that HTML forbids or UTF-8 cannot hold, shown as their pictures or as U+FFFD.
_VISIBLE = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {127: 0x2421}
_VISIBLE |= dict.fromkeys((*range(0x80, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), 0xFFFD)


class Html(str):
    """Markup that is already safe to put into a page."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """`text` as content or as an attribute's value, whatever it contains; CR LF is a line end."""
    return Html(html.escape(text.replace("\r\n", "\n").translate(_VISIBLE), quote=True))


def join(parts: Iterable[Html | str | None]) -> Html:
    """The parts in order; strings are escaped, None is nothing."""
    return Html("".join(p if isinstance(p, Html) else escaped(p) for p in parts if p is not None))


def element(
    name: str, /, *children: Html | str | None, **attributes: str | int | float | bool | None
) -> Html:
    """`<name attributes>children</name>`.

    An attribute's trailing underscore is dropped and others become dashes (`class_`, `aria_label`);
    True gives a bare attribute, False and None leave it out.
    """
    opening = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        opening.append(attribute if value is True else f'{attribute}="{escaped(str(value))}"')
    start = f"<{' '.join(opening)}>"
    return Html(start if name in _VOID else f"{start}{join(children)}</{name}>")


def row(first: Html | str, /, *rest: Html | str, **attributes: str) -> Html:
    """A row of a table, headed by its first cell."""
    cells = [element("th", first, scope="row"), *(element("td", cell) for cell in rest)]
    return element("tr", *cells, **attributes)


def table(
    caption: str, heads: Iterable[str], rows: Iterable[Html | Iterable[Html | str]], class_: str = ""
) -> Html:
    """A table whose first column heads its rows; each is a `row`, or the cells of one."""
    body = [cells if isinstance(cells, Html) else row(*cells) for cells in rows]
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *(element("th", head, scope="col") for head in heads))),
            element("tbody", *body),
            class_=class_ or None,
        ),
        class_="scroll",
    )
