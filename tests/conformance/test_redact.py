from __future__ import annotations

import gzip
import html
import json
import shutil
import socket
import subprocess
import threading
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from wiremark_conformance import redact, transcript
from wiremark_conformance.exchange import Exchange, Part, Request, TransportFailure
from wiremark_conformance.redact import MARK, Redactor

SECRET = "sk-live/Ab+9=\"'&\\x"
POST = Request(
    "POST",
    "/v1/chat/completions",
    (("host", "127.0.0.1:9"), ("authorization", f"Bearer {SECRET}"), ("content-type", "application/json")),
    b'{"model":"m"}',
)
EXCHANGE = Exchange(
    probe="chat.plain",
    request=POST,
    status=200,
    reason="OK",
    http_version="1.1",
    headers=(("content-type", "application/json"),),
    parts=(Part(5, b'{"id":'), Part(9, b'"x"}')),
    framing="length",
    started="2026-01-01T00:00:00.000Z",
    elapsed_ns=10,
    origin="http://127.0.0.1:9",
)


def spellings(secret: str) -> list[str]:
    """The ways in which servers were seen to echo a key."""
    return [
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        "".join(f"\\u{ord(c):04X}" for c in secret),
        quote(secret),
        quote(secret, safe="").lower() if secret.islower() else quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
    ]


def all_text(exchange: Exchange, secrets: list[str]) -> str:
    shown = redact.evidence(exchange, secrets)
    clean = Redactor(secrets).exchange(exchange)
    return "\n".join([shown.request, shown.response, shown.curl, repr(clean), repr(Redactor(secrets))])


@pytest.mark.parametrize("echo", spellings(SECRET))
def test_a_secret_is_gone_from_every_place(echo: str) -> None:
    exchange = replace(
        EXCHANGE,
        request=replace(
            POST, target=f"/v1/{quote(SECRET)}?key={quote(SECRET)}", body=f'{{"k":"{echo}"}}'.encode()
        ),
        headers=(("x-echo", echo), ("set-cookie", "session=1"), ("location", "/a?api_key=other&b=1")),
        parts=(Part(1, f'{{"message":"bad key {echo}"}}'.encode()),),
        reason=f"Bad {echo}",
        failure=TransportFailure("reset", f"broken by {echo}"),
        notes=(echo,),
        trailers=(("x", echo),),
    )
    text = all_text(exchange, [SECRET])
    assert not [form for form in spellings(SECRET) if form in text]
    assert "session=1" not in text
    assert "api_key=other" not in text
    assert "&b=1" in text


_KEYS = st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]), min_size=8, max_size=60)


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much], max_examples=60)
@given(_KEYS, st.data())
def test_no_output_ever_holds_a_secret(secret: str, data: st.DataObject) -> None:
    frame = all_text(replace(EXCHANGE, request=replace(POST, headers=())), ["unrelated-key"])
    assume(secret not in frame and secret not in f"'{MARK}'")
    echo = data.draw(st.sampled_from(spellings(secret)))
    body = f'{{"error":{{"message":"no such key: {echo}"}}}}'.encode()
    cut = data.draw(st.integers(0, len(body)))
    exchange = replace(
        EXCHANGE,
        request=replace(POST, headers=(("x-api-key", secret), ("x-other", echo)), body=body),
        parts=(Part(1, body[:cut]), Part(2, body[cut:])),
    )
    text = all_text(exchange, [secret])
    assert secret not in text
    assert json.dumps(secret)[1:-1] not in text
    assert quote(secret, safe="") not in text


def test_a_secret_in_pieces_is_replaced_where_it_began() -> None:
    parts = (Part(1, b"a sk-"), Part(2, b"se"), Part(3, b"cret b sk-sec"), Part(4, b"ret"), Part(5, b"!"))
    assert Redactor(["sk-secret"]).parts(parts) == (
        Part(1, b"a [redacted]"),
        Part(3, b" b [redacted]"),
        Part(5, b"!"),
    )


def test_parts_without_a_secret_are_the_same() -> None:
    assert Redactor(["sk-secret"]).parts(EXCHANGE.parts) is EXCHANGE.parts
    assert Redactor([]).exchange(replace(EXCHANGE, request=replace(POST, headers=()))) == replace(
        EXCHANGE, request=replace(POST, headers=())
    )


def test_a_compressed_body_with_a_secret_is_not_kept() -> None:
    for text, kept in ((b"key sk-secret", False), (b"nothing", True)):
        body = gzip.compress(text)
        exchange = replace(EXCHANGE, headers=(("content-encoding", "gzip"),), parts=(Part(1, body),))
        assert (Redactor(["sk-secret"]).exchange(exchange).body == body) == kept


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer unknown", f"Bearer {MARK}"),
        ("authorization", "bearer  unknown", f"bearer  {MARK}"),
        ("authorization", "Bearer ", "Bearer "),
        ("authorization", "unknown", MARK),
        ("X-Api-Key", "unknown", MARK),
        ("x-goog-api-key", "unknown", MARK),
        ("cookie", "a=b", MARK),
        ("accept", "text/plain", "text/plain"),
    ],
)
def test_credential_headers_lose_even_unknown_values(name: str, value: str, shown: str) -> None:
    assert Redactor([]).header(name, value) == shown


def test_placeholder_keys_do_not_mutilate_the_text() -> None:
    assert Redactor(["x", ""]).text("max_tokens") == "max_tokens"


def test_the_transcript_reads_like_http() -> None:
    shown = redact.evidence(EXCHANGE, [SECRET])
    assert shown.probe == "chat.plain"
    assert shown.request == (
        "POST /v1/chat/completions HTTP/1.1\nhost: 127.0.0.1:9\nauthorization: Bearer [redacted]\n"
        'content-type: application/json\n\n{"model":"m"}'
    )
    assert shown.response == 'HTTP/1.1 200 OK\ncontent-type: application/json\n\n{"id":"x"}'


def test_long_binary_and_commanding_bodies_are_shown_safely() -> None:
    long = transcript.response(replace(EXCHANGE, parts=(Part(1, b"\xc3\xa9" * 3000),)))
    assert long.endswith("[… and 1904 more bytes]")
    binary = transcript.response(
        replace(EXCHANGE, headers=(("content-type", "image/png"),), parts=(Part(1, b"\xff"),))
    )
    assert binary.endswith("[1 bytes of image/png, not text]")
    hostile = transcript.response(replace(EXCHANGE, parts=(Part(1, b"\x1b[2Jgone\r\nnext"),)))
    assert hostile.endswith("\\x1b[2Jgone\\r\nnext")


def test_failures_cuts_and_notes_are_told() -> None:
    failed = Exchange("p", POST, failure=TransportFailure("connect", "nothing there"))
    assert transcript.response(failed) == "[no response]\n[connect: nothing there]"
    cut = transcript.response(replace(EXCHANGE, cut=True, notes=("odd",)))
    assert cut.endswith('{"id":"x"}\n[note: odd]\n[closed on purpose by the probe]')
    broken = transcript.response(replace(EXCHANGE, headers=(("content-encoding", "gzip"),)))
    assert "[the body is not gzip" in broken


# -- curl ------------------------------------------------------------------------------------------


def shell_words(command: str, api_key: str) -> list[str]:
    """The words that a shell makes of a curl command."""
    script = "curl() { printf '%s\\0' \"$@\"; }; " + command
    ran = subprocess.run(
        ["/bin/sh", "-c", script], env={"API_KEY": api_key}, capture_output=True, check=True, timeout=10
    )
    return ran.stdout.decode().split("\0")[:-1]


@settings(deadline=None, max_examples=15)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=50))
def test_the_curl_line_is_quoted_right(text: str) -> None:
    body = json.dumps({"text": text, "key": SECRET}, ensure_ascii=False).replace(
        json.dumps(SECRET)[1:-1], SECRET
    )
    exchange = replace(EXCHANGE, request=replace(POST, body=body.encode()))
    command = redact.evidence(exchange, [SECRET]).curl
    assert SECRET not in command
    words = shell_words(command, SECRET)
    assert words[words.index("--data-raw") + 1] == body
    assert f"authorization: Bearer {SECRET}" in words
    assert "http://127.0.0.1:9/v1/chat/completions" in words


def test_a_made_up_key_is_another_variable() -> None:
    exchange = replace(EXCHANGE, request=replace(POST, headers=(("authorization", "Bearer made-up"),)))
    assert "'authorization: Bearer '\"$OTHER_API_KEY\"" in redact.evidence(exchange, [SECRET]).curl
    assert "'authorization: Bearer '\"$API_KEY\"" in redact.evidence(EXCHANGE, [SECRET]).curl


@pytest.mark.parametrize("body", [b"\xff", b"a\0b", b"x" * 5000, b"\x1b["])
def test_a_body_that_a_shell_cannot_hold_is_a_file(body: bytes) -> None:
    command = redact.evidence(replace(EXCHANGE, request=replace(POST, body=body)), []).curl
    assert "--data-binary @body.bin\n# body.bin: the request body" in command


def recorded_by(listener: socket.socket, got: list[bytes]) -> None:
    sock, _ = listener.accept()
    with sock:
        sock.settimeout(10)
        data = b""
        while not data.endswith((b"\r\n\r\n", b"}")):
            data += sock.recv(65536)
        got.append(data)
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.mark.parametrize(
    "request_",
    [
        replace(POST, body=b'{"text":"@it\'s $HOME `x` \xc3\xa9 \\n"}'),
        Request("GET", "/v1/models/a%2Fb/../[x]?limit=1", (("x-empty", ""), ("accept", "*/*"))),
        Request("DELETE", "/v1/x", (("user-agent", "me"),)),
        Request("POST", "/v1/x", (("content-length", "0"),)),
    ],
)
def test_curl_sends_the_same_request_again(request_: Request) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("the curl command is not installed")
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=recorded_by, args=(listener, got), daemon=True)
        thread.start()
        headers = tuple(header for header in request_.headers if header[0] != "host")
        exchange = replace(EXCHANGE, request=replace(request_, headers=headers), origin=origin)
        command = redact.evidence(exchange, [SECRET]).curl
        env = {"API_KEY": SECRET, "PATH": curl.rpartition("/")[0], "no_proxy": "*"}
        subprocess.run(["/bin/sh", "-c", command], env=env, check=True, capture_output=True, timeout=10)
        thread.join(10)
    head, _, body = got[0].partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert first == f"{request_.method} {request_.target} HTTP/1.1"
    sent = {tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines}
    made_by_curl = {"host", "content-length"}
    assert {pair for pair in sent if pair[0].lower() not in made_by_curl} == {
        pair for pair in headers if pair[0] not in made_by_curl
    }
    assert body == request_.body
