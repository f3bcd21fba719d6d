// openai-node: Chat Completions and Responses.
import { CITY, PARAMETERS, errors, getWeather, load, main } from "./told.mjs";

const { default: OpenAI } = await load("openai");
const client = (task, key) =>
  new OpenAI({ baseURL: task.base_url, apiKey: key ?? task.keys.default, maxRetries: 0 });
const said = (content) => [{ role: "user", content }];
const FUNCTION = { name: "get_weather", description: "The weather of a city", parameters: PARAMETERS };
const TOOLS = [{ type: "function", function: FUNCTION }];
const names = async (task) => {
  const ids = [];
  for await (const model of client(task).models.list()) ids.push(model.id);
  return ids;
};

const chat = {
  // OPENAI_BASE_URL and OPENAI_API_KEY, and nothing else, point the client at the endpoint.
  async environment({ base_url, keys, model, say }) {
    Object.assign(process.env, { OPENAI_BASE_URL: base_url, OPENAI_API_KEY: keys.default });
    const answer = await new OpenAI({ maxRetries: 0 }).chat.completions.create({ model, messages: said(say) });
    return { text: answer.choices[0].message.content };
  },
  models: names,
  async text(task) {
    const { model, say } = task;
    const answer = await client(task).chat.completions.create({ model, messages: said(say) });
    const { prompt_tokens, completion_tokens } = answer.usage;
    return { text: answer.choices[0].message.content, tokens: [prompt_tokens, completion_tokens] };
  },
  async stream(task) {
    const { model, say } = task;
    const pieces = [];
    for await (const chunk of await client(task).chat.completions.create({ model, messages: said(say), stream: true }))
      if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content);
    return { text: pieces.join(""), pieces: pieces.length };
  },
  async tools(task) {
    const api = client(task).chat.completions;
    const messages = said(task.weather);
    const asked = { model: task.model, tools: TOOLS };
    const told = (message) => message.tool_calls.map((c) => [c.function.name, JSON.parse(c.function.arguments)]);
    const streamed = await api.stream({ ...asked, messages }).finalChatCompletion();
    const [turn] = (await api.create({ ...asked, messages })).choices;
    messages.push(turn.message);
    for (const call of turn.message.tool_calls) {
      const content = getWeather(JSON.parse(call.function.arguments));
      messages.push({ role: "tool", tool_call_id: call.id, content });
    }
    const final = await api.create({ ...asked, messages });
    return {
      finish: turn.finish_reason,
      calls: told(turn.message),
      streamed: told(streamed.choices[0].message),
      text: final.choices[0].message.content,
    };
  },
  async structured(task) {
    const answer = await client(task).chat.completions.parse({
      model: task.model,
      messages: said(task.fill),
      response_format: { type: "json_schema", json_schema: { name: "City", schema: CITY, strict: true } },
    });
    const { parsed, content } = answer.choices[0].message;
    return parsed ?? JSON.parse(content);
  },
  async vision(task) {
    const image_url = { url: `data:image/png;base64,${task.image}` };
    const content = [{ type: "text", text: task.look }, { type: "image_url", image_url }];
    const answer = await client(task).chat.completions.create({ model: task.model, messages: said(content) });
    return { text: answer.choices[0].message.content };
  },
  errors: (task) =>
    errors(task, (key, model) => client(task, key).chat.completions.create({ model, messages: said("Hello") })),
};

const responses = {
  models: names,
  async text(task) {
    const answer = await client(task).responses.create({ model: task.model, input: task.say });
    return { text: answer.output_text, tokens: [answer.usage.input_tokens, answer.usage.output_tokens] };
  },
  async stream(task) {
    const stream = client(task).responses.stream({ model: task.model, input: task.say });
    const pieces = [];
    for await (const event of stream) if (event.type === "response.output_text.delta") pieces.push(event.delta);
    const final = (await stream.finalResponse()).output_text;
    return { text: pieces.join(""), pieces: pieces.length, final };
  },
  async tools(task) {
    const api = client(task).responses;
    const asked = { model: task.model, tools: [{ type: "function", strict: false, ...FUNCTION }] };
    const calls = (answer) => answer.output.filter((item) => item.type === "function_call");
    const told = (answer) => calls(answer).map((call) => [call.name, JSON.parse(call.arguments)]);
    const input = said(task.weather);
    const streamed = await api.stream({ ...asked, input }).finalResponse();
    const turn = await api.create({ ...asked, input });
    const outputs = calls(turn).map((call) => ({
      type: "function_call_output",
      call_id: call.call_id,
      output: getWeather(JSON.parse(call.arguments)),
    }));
    const final = await api.create({ ...asked, input: [...input, ...turn.output, ...outputs] });
    return { calls: told(turn), streamed: told(streamed), text: final.output_text };
  },
  async structured(task) {
    const format = { type: "json_schema", name: "City", schema: CITY, strict: true };
    const answer = await client(task).responses.parse({ model: task.model, input: task.fill, text: { format } });
    return answer.output_parsed ?? JSON.parse(answer.output_text);
  },
  async vision(task) {
    const image_url = `data:image/png;base64,${task.image}`;
    const content = [{ type: "input_text", text: task.look }, { type: "input_image", image_url, detail: "auto" }];
    return { text: (await client(task).responses.create({ model: task.model, input: said(content) })).output_text };
  },
  errors: (task) =>
    errors(task, (key, model) => client(task, key).responses.create({ model, input: "Hello" })),
};

await main({ chat, responses });
