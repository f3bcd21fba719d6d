from __future__ import annotations

import pytest
from wiremark_server.domain.problem import ProblemError
from wiremark_server.edge import document

REFUSED = {
    "empty": b"",
    "truncated": b'{"a": 1',
    "not JSON": b"{model: 1}",
    "trailing text": b"{} x",
    "array": b"[]",
    "string": b'"x"',
    "number": b"1",
    "null": b"null",
    "invalid UTF-8": b'{"a": "\xff"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": Infinity}',
    "number out of range": b'{"a": 1e400}',
    "integer of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "lone surrogate": b'{"a": "\\ud800"}',
    "nested 129 deep": b'{"a":' * 129 + b"1" + b"}" * 129,
    "nested 100000 deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_is_not_one_json_object_is_refused_as_malformed(body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        document.parse(body)
    assert caught.value.problem.situation == "malformed_json"


def test_of_duplicate_names_the_last_wins() -> None:
    assert document.parse(b'{"a": 1, "a": 2}') == {"a": 2}


def test_a_nul_in_a_string_is_kept() -> None:
    assert document.parse(b'{"a": "x\\u0000y"}') == {"a": "x\0y"}


def test_brackets_in_strings_are_not_depth() -> None:
    assert document.parse(b'{"a": "' + b"[{" * 500 + b'"}')["a"] == "[{" * 500


def test_nesting_up_to_the_limit_is_read() -> None:
    depth = document.MAX_DEPTH
    assert document.parse(b'{"a":' * depth + b"1" + b"}" * depth)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_json_is_accepted_in_any_case_and_with_a_charset(content_type: str) -> None:
    document.check_media(content_type, None)


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/plain", None),
        (None, None),
        ("application/x-www-form-urlencoded", None),
        ("application/json; charset=utf-16", None),
        ("application/json", "gzip"),
    ],
)
def test_another_media_type_charset_or_encoding_is_refused(
    content_type: str | None, encoding: str | None
) -> None:
    with pytest.raises(ProblemError) as caught:
        document.check_media(content_type, encoding)
    assert caught.value.problem.situation == "unsupported_media_type"
