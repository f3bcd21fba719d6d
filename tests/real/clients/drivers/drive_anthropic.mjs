// @anthropic-ai/sdk: Messages.
import { CITY, PARAMETERS, errors, getWeather, load, main } from "./told.mjs";

const { default: Anthropic } = await load("@anthropic-ai/sdk");
const client = (task, key) =>
  new Anthropic({ baseURL: task.base_url, apiKey: key ?? task.keys.default, maxRetries: 0 });
const said = (content) => [{ role: "user", content }];
const words = (message) => message.content.filter((b) => b.type === "text").map((b) => b.text).join("");
const calls = (message) => message.content.filter((block) => block.type === "tool_use");
const told = (message) => calls(message).map((call) => [call.name, call.input]);
const asked = ({ model }) => ({ model, max_tokens: 1024 });
const TOOL = { name: "get_weather", description: "The weather of a city", input_schema: PARAMETERS };

const messages = {
  async models(task) {
    const ids = [];
    for await (const model of client(task).models.list()) ids.push(model.id);
    return ids;
  },
  async text(task) {
    const answer = await client(task).messages.create({ ...asked(task), messages: said(task.say) });
    return { text: words(answer), tokens: [answer.usage.input_tokens, answer.usage.output_tokens] };
  },
  async stream(task) {
    const pieces = [];
    const stream = client(task).messages.stream({ ...asked(task), messages: said(task.say) });
    stream.on("text", (piece) => pieces.push(piece));
    const final = words(await stream.finalMessage());
    return { text: pieces.join(""), pieces: pieces.length, final };
  },
  async tools(task) {
    const api = client(task).messages;
    const request = { ...asked(task), tools: [TOOL] };
    const history = said(task.weather);
    const streamed = await api.stream({ ...request, messages: history }).finalMessage();
    const turn = await api.create({ ...request, messages: history });
    const results = calls(turn).map(({ id, input }) => ({
      type: "tool_result",
      tool_use_id: id,
      content: getWeather(input),
    }));
    history.push({ role: "assistant", content: turn.content }, { role: "user", content: results });
    const final = await api.create({ ...request, messages: history });
    return { finish: turn.stop_reason, calls: told(turn), streamed: told(streamed), text: words(final) };
  },
  async structured(task) {
    const output_config = { format: { type: "json_schema", schema: CITY } };
    const answer = await client(task).messages.create({
      ...asked(task),
      messages: said(task.fill),
      output_config,
    });
    return JSON.parse(words(answer));
  },
  async vision(task) {
    const source = { type: "base64", media_type: "image/png", data: task.image };
    const content = [{ type: "text", text: task.look }, { type: "image", source }];
    return { text: words(await client(task).messages.create({ ...asked(task), messages: said(content) })) };
  },
  errors: (task) =>
    errors(task, (key, model) =>
      client(task, key).messages.create({ model, max_tokens: 9, messages: said("Hello") }),
    ),
};

await main({ messages });
