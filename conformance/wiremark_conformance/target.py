"""The endpoint under test as a value: what it promises, where it is, which keys there are."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from wiremark_schemas.contracts import Contract, Dialect, Model, Problem
from wiremark_schemas.credentials import Credentials

# A capability that only some models have, and the name of it in a model's entry of the contract.
_OF_MODEL = {
    "chat.tools": "tools",
    "chat.tools.forced": "tools",
    "chat.tools.parallel": "tools",
    "chat.custom-tools": "tools",
    "chat.json": "json",
    "chat.json-schema": "json",
    "messages.tools": "tools",
    "messages.tools.forced": "tools",
    "messages.tools.parallel": "tools",
    "messages.vision": "vision",
    "messages.json": "json",
    "responses.tools": "tools",
    "responses.tools.forced": "tools",
    "responses.tools.parallel": "tools",
    "responses.custom-tools": "tools",
    "responses.vision": "vision",
    "responses.json": "json",
    "gemini.functions": "tools",
    "gemini.functions.forced": "tools",
    "gemini.functions.parallel": "tools",
    "gemini.vision": "vision",
    "gemini.json": "json",
    "gemini.json-schema": "json",
}


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint held to a contract.

    model:       the model that is asked
    base_path:   path of the base URL given; stands in for the contract's own base path
    host_header: value of the Host header: host, and port unless it is the scheme's own
    """

    contract: Contract
    model: str
    base_path: str
    credentials: Credentials
    base_url: str
    host_header: str

    def declares(self, capability: str | None) -> bool:
        """Whether the capability is claimed or optional, and within the model's own abilities."""
        if capability is None:
            return True
        if capability not in self.contract.claimed | self.contract.optional:
            return False
        model = self.model_entry
        feature = _OF_MODEL.get(capability)
        return model is None or feature is None or feature in model.capabilities

    def claims(self, capability: str | None) -> bool:
        """Whether missing it is a failure; what no capability governs is always claimed."""
        return capability is None or capability in self.contract.claimed

    def path(self, operation: str, **values: str) -> str | None:
        """The first path of an operation below the base URL given, or None when it is not offered."""
        return next(iter(self.paths(operation, **values)), None)

    def paths(self, operation: str, **values: str) -> tuple[str, ...]:
        """Every path of an operation below the base URL given.

        Values fill the template's braces, percent-encoded as one path segment each.
        """
        encoded = {name: quote(value, safe="") for name, value in values.items()}
        relative = (path.removeprefix(self.contract.base_path) for path in self.contract.paths(operation))
        return tuple(self.base_path + path.format(**encoded) for path in relative)

    @property
    def model_entry(self) -> Model | None:
        """The contract's entry of the model under test, if it lists it."""
        return self.contract.model(self.model)

    def model_for(self, form: str) -> str:
        """The model under test if it is served in a format, else the contract's first one that is."""
        entry = self.model_entry
        if entry is None or entry.speaks(form):
            return self.model
        return next((m.id for m in self.contract.models if m.speaks(form) and m.available), self.model)

    def problem(self, situation: str, dialect: Dialect | None = None) -> Problem | None:
        """The answer that the contract promises for a situation, in its own dialect or in another one."""
        return self.contract.promised(dialect or self.contract.dialect).get(situation)
