// The JavaScript of AI/ML API's document: fetch, and no package at all.
import { errors, main } from "./told.mjs";

const ask = async (task, key, model, content) => {
  const response = await fetch(`${task.base_url}/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content }] }),
  });
  const data = await response.json();
  if (!response.ok) throw Object.assign(new Error(data.error.message), { status: response.status });
  return data;
};

const chat = {
  async text(task) {
    const { choices, usage } = await ask(task, task.keys.default, task.model, task.say);
    return { text: choices[0].message.content, tokens: [usage.prompt_tokens, usage.completion_tokens] };
  },
  errors: (task) => errors(task, (key, model) => ask(task, key, model, "Hello")),
};

await main({ chat });
