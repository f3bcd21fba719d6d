"""The stand-in tokenizer: exact, reversible, stable under truncation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from wiremark_server.domain.generation import Generation, OutputFormat, Tool, ToolCall, Turn
from wiremark_server.engine import tokens
from wiremark_server.engine.text import Prose
from wiremark_server.engine.tokens import IMAGE_TOKENS, count, count_prompt, encode

anything = st.text(st.characters(), max_size=200)


@given(anything)
def test_pieces_concatenate_to_the_text(text: str) -> None:
    assert "".join(encode(text)) == text


@given(anything, st.integers(0, 50))
def test_the_first_pieces_of_a_text_encode_to_themselves(text: str, length: int) -> None:
    pieces = encode(text)[:length]
    assert encode("".join(pieces)) == pieces


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_ascii_is_cut_like_any_text(text: str) -> None:
    assert encode(text) == tokens._any(text)


@given(st.integers(0, 2**64 - 1), st.integers(1, 200))
def test_prose_is_made_of_its_own_pieces(state: int, length: int) -> None:
    pieces = Prose(1).pieces(state, length)
    assert len(pieces) >= length
    assert encode("".join(pieces)) == pieces
    assert pieces[0][0] != " "


def test_some_prose_needs_two_three_and_four_bytes_a_character() -> None:
    bank = Prose(1).text(0, 5_000)
    assert {len(char.encode()) for char in bank} == {1, 2, 3, 4}


def ask(*turns: Turn, tools: tuple[Tool, ...] = (), output: OutputFormat | None = None) -> Generation:
    return Generation("r", "m", turns, tools=tools, output=output or OutputFormat())


def test_the_prompt_formula() -> None:
    hello = Turn("user", "Hello, world")
    assert count_prompt(ask(hello)) == 3 + 4 + 3
    assert count_prompt(ask(hello, hello)) == 3 + 2 * (4 + 3)
    assert count_prompt(ask(Turn("user", "", images=2))) == 3 + 4 + 2 * IMAGE_TOKENS
    called = Turn("assistant", "", tool_calls=(ToolCall("id", "get_weather", '{"a":1}'),))
    assert count_prompt(ask(called)) == 3 + 4 + 1 + count('{"a":1}')
    assert count_prompt(ask(Turn("tool", "fine", tool_call_id="id"))) == 3 + 4 + 1 + 1
    tool = Tool("f", "does f", {"type": "object"})
    json = '["f","does f",{"type":"object"}]'
    assert count_prompt(ask(hello, tools=(tool,))) == 3 + 4 + 3 + 8 + 4 + count(json)
    output = OutputFormat("json_schema", {"type": "object"})
    assert count_prompt(ask(hello, output=output)) == 3 + 4 + 3 + count('{"type":"object"}')
