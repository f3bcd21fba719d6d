// @google/genai: generateContent.
import { CITY, PARAMETERS, errors, getWeather, load, main } from "./told.mjs";

const { GoogleGenAI } = await load("@google/genai");
// The key goes as x-goog-api-key, and as a Bearer token for endpoints that take only that.
const api = (task, key) => {
  const apiKey = key ?? task.keys.default;
  const headers = { Authorization: `Bearer ${apiKey}` };
  return new GoogleGenAI({ apiKey, httpOptions: { baseUrl: task.base_url, apiVersion: "v1beta", headers } }).models;
};
const told = (answer) => (answer.functionCalls ?? []).map((call) => [call.name, call.args]);
const DECLARED = { name: "get_weather", description: "The weather of a city", parametersJsonSchema: PARAMETERS };
const TOOLS = { tools: [{ functionDeclarations: [DECLARED] }] };

const gemini = {
  async models(task) {
    const names = [];
    for await (const model of await api(task).list()) names.push(model.name.replace(/^models\//, ""));
    return names;
  },
  async text(task) {
    const answer = await api(task).generateContent({ model: task.model, contents: task.say });
    const { promptTokenCount, candidatesTokenCount } = answer.usageMetadata;
    return { text: answer.text, tokens: [promptTokenCount, candidatesTokenCount] };
  },
  async stream(task) {
    const pieces = [];
    for await (const part of await api(task).generateContentStream({ model: task.model, contents: task.say }))
      if (part.text) pieces.push(part.text);
    return { text: pieces.join(""), pieces: pieces.length };
  },
  async tools(task) {
    const asked = { model: task.model, config: TOOLS };
    const streamed = [];
    for await (const part of await api(task).generateContentStream({ ...asked, contents: task.weather }))
      streamed.push(...told(part));
    const turn = await api(task).generateContent({ ...asked, contents: task.weather });
    const answers = turn.functionCalls.map(({ id, name, args }) => ({
      functionResponse: { id, name, response: { output: getWeather(args) } },
    }));
    const contents = [
      { role: "user", parts: [{ text: task.weather }] },
      turn.candidates[0].content,
      { role: "user", parts: answers },
    ];
    return { calls: told(turn), streamed, text: (await api(task).generateContent({ ...asked, contents })).text };
  },
  async structured(task) {
    const config = { responseMimeType: "application/json", responseJsonSchema: CITY };
    return JSON.parse((await api(task).generateContent({ model: task.model, contents: task.fill, config })).text);
  },
  async vision(task) {
    const inlineData = { mimeType: "image/png", data: task.image };
    const contents = [{ role: "user", parts: [{ text: task.look }, { inlineData }] }];
    return { text: (await api(task).generateContent({ model: task.model, contents })).text };
  },
  errors: (task) =>
    errors(task, (key, model) => api(task, key).generateContent({ model, contents: "Hello" })),
};

await main({ gemini });
