"""Public trace formats, told by their first line."""

from __future__ import annotations

import pytest
from wiremark_loadtests.traffic import traces
from wiremark_loadtests.traffic.arrivals import Arrival
from wiremark_schemas.yamlfile import BadFile

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
OWN = "at,prompt_tokens,output_tokens\n"
MOONCAKE = """\
{"timestamp": 27000, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}
{"timestamp": 30000, "input_length": 6472, "output_length": 26, "hash_ids": [46, 64]}
"""
AZURE_2023 = "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
AZURE_2024 = "2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:00.017335+00:00,2399,6\n"
BURSTS = "5,ChatGPT,472,18,490,Conversation log\n45.0,ChatGPT,1087,0,1087,Conversation log\n"
TRACES = {
    "mooncake": (MOONCAKE, (Arrival(0, 6955, 52, (46, 47)), Arrival(3, 6472, 26, (46, 64)))),
    "azure": (AZURE + AZURE_2023, (Arrival(0, 374, 44), Arrival(4.314579, 396, 109))),
    "azure 2024": (AZURE + AZURE_2024, (Arrival(0, 2162, 5), Arrival(0.007405, 2399, 6))),
    "burstgpt": (BURST + BURSTS, (Arrival(0, 472, 18), Arrival(40, 1087, 1))),
    "own, out of order": (OWN + "2.5,10,20\n1.0,30,40\n", (Arrival(0, 30, 40), Arrival(1.5, 10, 20))),
}


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_read(name: str) -> None:
    text, expected = TRACES[name]
    found = traces.parse(text, "t")
    assert [(a.prompt_tokens, a.output_tokens, a.blocks) for a in found] == [
        (a.prompt_tokens, a.output_tokens, a.blocks) for a in expected
    ]
    assert [a.at for a in found] == pytest.approx([a.at for a in expected], abs=1e-5)


def test_a_trace_can_be_played_faster() -> None:
    assert [a.at for a in traces.parse(TRACES["burstgpt"][0], "t", speed=20)] == [0, 2]


BAD = {
    "t: the trace is empty": "",
    "t: the trace holds no request": OWN,
    "t:1: the columns are those of no trace": "a,b,c\n1,2,3\n",
    "t:3: this is not a request": OWN + "1,2,3\n1,many,3\n",
    "t:2: this is not a request": OWN + "1,-2,3\n",
    "t:1: this is not a request of a trace: output_length": '{"timestamp": 1, "input_length": 2}\n',
    "t:3: this is not a request of a trace: Exp": MOONCAKE + "{oops\n",
    "t:2: this is not a request of a trace: a moment": OWN + "nan,2,3\n",
    "t:2: this is not a request of a trace: float": OWN + "1,2\n",
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_line_is_named(message: str) -> None:
    with pytest.raises(BadFile) as caught:
        traces.parse(BAD[message], "t")
    assert message in str(caught.value)
