"""The wire formats that a load run can speak, by the name that a scenario calls them."""

from __future__ import annotations

from collections.abc import Mapping

from wiremark_loadtests.formats.base import Format
from wiremark_loadtests.formats.chat import Chat, Completions
from wiremark_loadtests.formats.embeddings import Embeddings
from wiremark_loadtests.formats.gemini import Gemini
from wiremark_loadtests.formats.images import Images
from wiremark_loadtests.formats.messages import Messages
from wiremark_loadtests.formats.responses import Responses

CHAT = Chat()
FORMATS: Mapping[str, Format] = {
    "chat": CHAT,
    "messages": Messages(),
    "responses": Responses(),
    "gemini": Gemini(),
    "completions": Completions(),
    "embeddings": Embeddings(),
    "images": Images(),
}
