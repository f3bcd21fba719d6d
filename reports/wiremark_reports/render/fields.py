"""Fields that narrow the rows of a table: words to be looked for, and values to choose from."""

from __future__ import annotations

from collections.abc import Iterable

from wiremark_reports.render.markup import Html, element

#: Name of a row's `data-` attribute, what stands for all of its values, and the values.
Filter = tuple[str, str, Iterable[str]]


def narrowing(place: str, filters: Iterable[Filter]) -> Html:
    """Fields for the rows of every table below the element `place`.

    The script shows them, for without it they do nothing.
    """
    fields = [element("label", "with the words ", element("input", type="search", name="words"))]
    for name, every, values in filters:
        options = [element("option", every, value=""), *(element("option", v, value=v) for v in values)]
        fields.append(element("select", *options, name=name, aria_label=every))
    return element("form", *fields, element("output", role="status"), data_rows=place, hidden=True)
