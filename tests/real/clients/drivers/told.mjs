// What every Node driver does: see told.py. Packages are resolved from the working folder, where they are installed.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";
import { text } from "node:stream/consumers";

const here = createRequire(pathToFileURL(path.join(process.cwd(), "package.json")));

export const load = async (name) => import(pathToFileURL(here.resolve(name)).href);

export const getWeather = ({ city }) => (city === "Paris" ? "21 °C and sunny" : `no station in '${city}'`);

export const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

export const CITY = {
  type: "object",
  properties: { city: { type: "string" }, population: { type: "integer" } },
  required: ["city", "population"],
  additionalProperties: false,
};

const raised = (error) => ({
  raised: error?.constructor?.name ?? typeof error,
  status: error?.status ?? error?.statusCode ?? null,
  text: String(error?.message ?? error),
});

const refusal = async (call) => {
  try {
    return { raised: null, text: JSON.stringify(await call()) };
  } catch (error) {
    return raised(error);
  }
};

// One refusal for each situation. ask: sends a question with a key and a model.
export const errors = async ({ keys, model }, ask) => ({
  unknown_model: await refusal(() => ask(keys.default, "no-such-model")),
  invalid_key: await refusal(() => ask(`${keys.default}-wrong`, model)),
  insufficient_credits: await refusal(() => ask(keys.exhausted, model)),
  rate_limited: await refusal(() => ask(keys.throttled, model)),
});

// formats: what can be done, by the wire format that the client is told to speak.
export const main = async (formats) => {
  const answers = [];
  for (const task of JSON.parse(await text(process.stdin))) {
    const told = {};
    for (const name of task.does) {
      try {
        told[name] = await formats[task.format][name](task);
      } catch (error) {
        told[name] = raised(error);
      }
    }
    answers.push(told);
  }
  console.log(JSON.stringify(answers));
};
