"""Locust's bundled OpenAI user, streaming."""

from __future__ import annotations

from locust import task
from locust.contrib.oai import OpenAIUser


class Streaming(OpenAIUser):
    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)
        self.client.base_url = self.environment.host

    @task
    def chat(self) -> None:
        stream = self.client.chat.completions.create(
            model="truth", messages=[{"role": "user", "content": "hello"}], max_tokens=64, stream=True
        )
        for _ in stream:
            pass
