"""Ledgers as CSV files."""

from __future__ import annotations

import pytest
from wiremark_loadtests.bill import export
from wiremark_loadtests.bill.export import BadExport
from wiremark_loadtests.bill.rows import Row

HEAD = "request_id,model,prompt_tokens,completion_tokens,amount_microusd"


def test_columns_may_stand_in_any_order_and_others_are_ignored() -> None:
    text = "cached,amount_microusd,note,model,completion_tokens,prompt_tokens,request_id,state\n"
    text += 'true,0,"a, b",m,2,1,r1,released\r\n,3,,m,5,4,r2,\n'
    assert export.rows(text, "t") == [
        Row("r1", "m", 1, 2, 0, "released", True),
        Row("r2", "m", 4, 5, 3, "settled", False),
    ]


BAD = {
    "t:1: there is no column amount_microusd": "request_id,model,prompt_tokens,completion_tokens\n",
    "t:1: there is no column request_id, model": "",
    "t:2: prompt_tokens is not a whole number: '1.5'": f"{HEAD}\nr,m,1.5,2,3\n",
    "t:3: amount_microusd is not a whole number": f"{HEAD}\nr,m,1,2,3\nr,m,1,2\n",
    "t:2: request_id, state or cached": f"{HEAD},state\nr,m,1,2,3,lost\n",
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_line_is_named(message: str) -> None:
    with pytest.raises(BadExport) as caught:
        export.rows(BAD[message], "t")
    assert message in str(caught.value)
