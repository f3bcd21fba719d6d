// Vercel AI SDK: the providers for Chat Completions (@ai-sdk/openai and @ai-sdk/openai-compatible),
// Responses and Messages.
import { CITY, PARAMETERS, errors, getWeather, load, main } from "./told.mjs";

const ai = await load("ai");
const { createOpenAI } = await load("@ai-sdk/openai");
const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");
const { createAnthropic } = await load("@ai-sdk/anthropic");

const MODELS = {
  chat: (options, model) => createOpenAI(options).chat(model),
  compatible: (options, model) =>
    createOpenAICompatible({ name: "endpoint", supportsStructuredOutputs: true, includeUsage: true, ...options })(model),
  responses: (options, model) => createOpenAI(options).responses(model),
  messages: (options, model) => createAnthropic(options)(model),
};
const made = (task, key, name) => {
  const options = { baseURL: task.base_url, apiKey: key ?? task.keys.default };
  return { model: MODELS[task.format](options, name ?? task.model), maxRetries: 0 };
};
const weather = () =>
  ai.tool({
    description: "The weather of a city",
    inputSchema: ai.jsonSchema(PARAMETERS),
    execute: async (input) => getWeather(input),
  });
const called = (steps) => steps.flatMap((step) => step.toolCalls.map((call) => [call.toolName, call.input]));
const ignore = () => {};

const does = {
  async text(task) {
    const { text, usage } = await ai.generateText({ ...made(task), prompt: task.say });
    return { text, tokens: [usage.inputTokens, usage.outputTokens] };
  },
  async stream(task) {
    const pieces = [];
    const streamed = ai.streamText({ ...made(task), prompt: task.say, onError: ignore });
    for await (const piece of streamed.textStream) pieces.push(piece);
    return { text: pieces.join(""), pieces: pieces.length, final: await streamed.text };
  },
  async tools(task) {
    const asked = { prompt: task.weather, tools: { get_weather: weather() }, stopWhen: ai.stepCountIs(3) };
    const whole = await ai.generateText({ ...made(task), ...asked });
    const streamed = ai.streamText({ ...made(task), ...asked, onError: ignore });
    await streamed.consumeStream();
    return {
      calls: called(whole.steps),
      streamed: called(await streamed.steps),
      text: whole.text,
      final: await streamed.text,
    };
  },
  async structured(task) {
    const output = ai.Output.object({ schema: ai.jsonSchema(CITY) });
    return (await ai.generateText({ ...made(task), prompt: task.fill, output })).output;
  },
  async vision(task) {
    const content = [
      { type: "text", text: task.look },
      { type: "image", image: Buffer.from(task.image, "base64"), mediaType: "image/png" },
    ];
    return { text: (await ai.generateText({ ...made(task), messages: [{ role: "user", content }] })).text };
  },
  errors: (task) =>
    errors(task, async (key, model) => (await ai.generateText({ ...made(task, key, model), prompt: "Hello" })).text),
};

await main(Object.fromEntries(Object.keys(MODELS).map((format) => [format, does])));
