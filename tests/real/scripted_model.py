"""Write a tiny chat model whose answers are known in advance, for engines that nobody here wrote.

Run inside the environment of the server under test: `python scripted_model.py OUT.gguf` (needs
numpy and gguf), or `python scripted_model.py FOLDER` for the same model as a Hugging Face folder
(needs numpy alone). The model is a Markov chain: attention and feed-forward
outputs are zero, each token that has a successor owns one hidden dimension, and the output head
maps that dimension to the successor with a gap of about 30 logits, so every engine decodes the
same text at any sane temperature. Which chain is walked is decided by the chat template, which
ends the prompt with a run of newlines that is a token of its own:

    plain message                          TEXT
    the last message holds COUNT           the numbers 1 to 120
    the tool get_weather is offered        one call of it, in Hermes format
    the last message is a tool's result    TEXT
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HEAD, HEADS, FEED_FORWARD, CONTEXT = 64, 4, 128, 32768
WIDTH = HEAD * HEADS
GAP = 30.0

END_OF_TEXT, TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CALL, END_OF_CALL = "<tool_call>", "</tool_call>"
CONTROL = (END_OF_TEXT, TURN, END_OF_TURN)
TAGS = (CALL, END_OF_CALL)

TEXT = (
    "Every",
    " word",
    " here",
    " is",
    " known",
    " in advance",
    ",",
    " café",
    " ☃",
    " and",
    " 😀",
    " too",
    ".",
)
COUNT = tuple(f" {number}" for number in range(1, 121))
CALL_BODY = ('\n{"name"', ': "get_', 'weather", ', '"arguments": {', '"city": ', '"Paris"', "}}\n")
STARTS = {"\n": TEXT, "\n\n": (CALL, *CALL_BODY, END_OF_CALL), "\n\n\n": COUNT}

TEMPLATE = """\
{%- set last = messages[-1] -%}
{%- set seen = namespace(words='', tool=false) -%}
{%- if last.content is string -%}{%- set seen.words = last.content -%}
{%- elif last.content -%}
{%- for part in last.content if part.text -%}
{%- set seen.words = seen.words + part.text -%}
{%- endfor -%}
{%- endif -%}
{%- for tool in tools or [] if tool.function.name == 'get_weather' -%}
{%- set seen.tool = true -%}
{%- endfor -%}
{%- if tools -%}
<|im_start|>system
Tools, called as <tool_call>{"name": ..., "arguments": ...}</tool_call>:
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}
{%- elif message.content %}
{%- for part in message.content if part.text %}{{ part.text }}{% endfor %}{% endif %}
{%- for call in message.tool_calls or [] -%}{%- set tool_call = call.function %}
<tool_call>
{"name": "{{ tool_call.name }}", "arguments": {% set given = tool_call.arguments %}
{{- given if given is string else given | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant' -}}
{%- if seen.tool and last.role != 'tool' -%}{{- '\\n\\n' -}}
{%- elif 'COUNT' in seen.words -%}{{- '\\n\\n\\n' -}}
{%- else -%}{{- '\\n' -}}{%- endif -%}
{%- endif -%}
"""


def byte_spelling() -> list[str]:
    """The printable character that byte-level vocabularies use for each byte."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


SPELLING = byte_spelling()


def spelled(text: str) -> str:
    if text in CONTROL or text in TAGS:
        return text
    return "".join(SPELLING[byte] for byte in text.encode())


def links() -> Iterator[tuple[str, str]]:
    """(token, its successor) for all chains."""
    for start, chain in STARTS.items():
        steps = (start, *chain, END_OF_TURN)
        yield from zip(map(spelled, steps), map(spelled, steps[1:]), strict=False)


def vocabulary() -> tuple[list[str], list[str]]:
    """Tokens in order of their ids, and the merges that make runs of newlines one token each."""
    newline = spelled("\n")
    chain_tokens = (token for pair in links() for token in pair)
    tokens = list(dict.fromkeys((*CONTROL, *TAGS, *SPELLING, newline * 2, newline * 3, *chain_tokens)))
    return tokens, [f"{newline} {newline}", f"{newline * 2} {newline}"]


def tensors(tokens: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """GGUF tensor names and float32 arrays."""
    import numpy as np

    number = {token: position for position, token in enumerate(tokens)}
    successor = dict(links())
    dimension = {token: position + 1 for position, token in enumerate(successor)}
    if len(dimension) >= WIDTH:
        raise SystemExit(f"{len(dimension)} scripted tokens do not fit in {WIDTH} dimensions")
    noise = np.random.default_rng(0)
    size = float(np.sqrt(WIDTH))  # the root mean square norm leaves a one-hot vector of this length alone
    embedding = np.zeros((len(tokens), WIDTH), np.float32)
    for token, position in number.items():
        embedding[position, dimension.get(token, 0)] = size
    head = noise.normal(0, 0.02, (len(tokens), WIDTH)).astype(np.float32)
    # Where a grammar forbids the script (structured output), prefer what closes the document.
    for mark, weight in (('"', 14), ("}", 11), ("]", 9), ("{", 8), (":", 6), (",", 3)):
        head[number[spelled(mark)]] += weight / size
    for blank in ("\n", "\n\n", "\n\n\n", " ", "\t", "\r"):
        head[number[spelled(blank)]] -= 15.0 / size
    head[number[spelled(TEXT[0])], 0] += GAP / size
    for token, following in successor.items():
        head[number[following], dimension[token]] += GAP / size

    yield "token_embd.weight", embedding
    yield "output.weight", head
    yield "output_norm.weight", np.ones(WIDTH, np.float32)
    yield "blk.0.attn_norm.weight", np.ones(WIDTH, np.float32)
    yield "blk.0.ffn_norm.weight", np.ones(WIDTH, np.float32)
    for part in "qkv":
        yield f"blk.0.attn_{part}.weight", noise.normal(0, 0.02, (WIDTH, WIDTH)).astype(np.float32)
        yield f"blk.0.attn_{part}.bias", np.zeros(WIDTH, np.float32)
    yield "blk.0.attn_output.weight", np.zeros((WIDTH, WIDTH), np.float32)
    for part in ("gate", "up"):
        yield f"blk.0.ffn_{part}.weight", noise.normal(0, 0.02, (FEED_FORWARD, WIDTH)).astype(np.float32)
    yield "blk.0.ffn_down.weight", np.zeros((WIDTH, FEED_FORWARD), np.float32)


def write(path: str) -> None:
    import gguf

    tokens, merges = vocabulary()
    kinds = gguf.TokenType
    out = gguf.GGUFWriter(path, "qwen2")
    out.add_name("scripted")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_block_count(1)
    out.add_feed_forward_length(FEED_FORWARD)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_rope_freq_base(10000.0)
    out.add_layer_norm_rms_eps(1e-6)
    out.add_vocab_size(len(tokens))
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(tokens)
    out.add_token_types(
        [
            kinds.CONTROL if token in CONTROL else kinds.USER_DEFINED if token in TAGS else kinds.NORMAL
            for token in tokens
        ]
    )
    out.add_token_merges(merges)
    out.add_bos_token_id(tokens.index(END_OF_TEXT))
    out.add_eos_token_id(tokens.index(END_OF_TURN))
    out.add_pad_token_id(tokens.index(END_OF_TEXT))
    out.add_add_bos_token(False)
    out.add_chat_template(TEMPLATE)
    for name, array in tensors(tokens):
        out.add_tensor(name, array)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


# How Hugging Face names the tensors.
NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output.weight": "lm_head.weight",
    "output_norm.weight": "model.norm.weight",
    "blk.0.attn_norm.weight": "model.layers.0.input_layernorm.weight",
    "blk.0.ffn_norm.weight": "model.layers.0.post_attention_layernorm.weight",
    "blk.0.attn_output.weight": "model.layers.0.self_attn.o_proj.weight",
    **{
        f"blk.0.attn_{part}.{kind}": f"model.layers.0.self_attn.{part}_proj.{kind}"
        for part in "qkv"
        for kind in ("weight", "bias")
    },
    "blk.0.ffn_gate.weight": "model.layers.0.mlp.gate_proj.weight",
    "blk.0.ffn_up.weight": "model.layers.0.mlp.up_proj.weight",
    "blk.0.ffn_down.weight": "model.layers.0.mlp.down_proj.weight",
}


def documents(tokens: Sequence[str], merges: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON files of a Hugging Face folder, by name."""
    start, end = tokens.index(END_OF_TEXT), tokens.index(END_OF_TURN)
    marks = {"bos_token_id": start, "eos_token_id": end, "pad_token_id": start}
    yield (
        "config.json",
        {
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "vocab_size": len(tokens),
            "hidden_size": WIDTH,
            "intermediate_size": FEED_FORWARD,
            "num_hidden_layers": 1,
            "num_attention_heads": HEADS,
            "num_key_value_heads": HEADS,
            "max_position_embeddings": CONTEXT,
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "hidden_act": "silu",
            "tie_word_embeddings": False,
            "torch_dtype": "float32",
            **marks,
        },
    )
    yield "generation_config.json", {**marks, "max_new_tokens": 1024}
    yield (
        "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": END_OF_TEXT,
            "eos_token": END_OF_TURN,
            "pad_token": END_OF_TEXT,
            "model_max_length": CONTEXT,
            "clean_up_tokenization_spaces": False,
            "chat_template": TEMPLATE,
        },
    )
    bytewise = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    yield (
        "tokenizer.json",
        {
            "version": "1.0",
            "added_tokens": [
                {"id": tokens.index(token), "content": token, "special": token in CONTROL, **added}
                for token in (*CONTROL, *TAGS)
            ],
            "pre_tokenizer": bytewise,
            "decoder": bytewise,
            "model": {
                "type": "BPE",
                "vocab": {token: position for position, token in enumerate(tokens)},
                "merges": [merge.split(" ") for merge in merges],
            },
        },
    )


def write_folder(folder: Path) -> None:
    """The model as a Hugging Face folder: safetensors is a length, a JSON header and the numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens, merges = vocabulary()
    for name, document in documents(tokens, merges):
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    index = {"metadata": {}, "weight_map": dict.fromkeys(NAMES.values(), "model.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    blobs, at = [], 0
    for name, array in tensors(tokens):
        blob = array.astype("<f4").tobytes()
        header[NAMES[name]] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [at, at + len(blob)],
        }
        blobs.append(blob)
        at += len(blob)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"".join(blobs))


if __name__ == "__main__":
    if sys.argv[1].endswith(".gguf"):
        write(sys.argv[1])
    else:
        write_folder(Path(sys.argv[1]))
