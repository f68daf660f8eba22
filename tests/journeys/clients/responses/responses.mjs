// The official openai package for Node, unchanged but for the address: responses, plain, streaming, stored, background.
import OpenAI from "openai";

const { BASE, KEY, LOCAL } = process.env;
const client = new OpenAI({ baseURL: BASE, apiKey: KEY, maxRetries: 0 });
const seen = {};

const local = await client.responses.create({ model: LOCAL, input: "Say hello.", max_output_tokens: 12 });
seen.local = local.output_text.length > 0 && ["completed", "incomplete"].includes(local.status);
seen.label = local.zhongshu.label.AIGC.Label;

const tools = [{ type: "function", name: "get_weather", parameters: { type: "object", properties: {} }, strict: false }];
for (const model of ["mock-tools", "r-mock-tools"]) {
  const stream = client.responses.stream({ model, input: "Weather?", tools });
  const kinds = new Set();
  for await (const event of stream) kinds.add(event.type);
  const final = await stream.finalResponse();
  seen[model] = final.output.filter((item) => item.type === "function_call").map((call) => [call.name, call.arguments]);
  seen[`${model} events`] = kinds.has("response.function_call_arguments.done") && kinds.has("response.completed");
  const outputs = final.output
    .filter((item) => item.type === "function_call")
    .map(({ call_id }) => ({ type: "function_call_output", call_id, output: "sunny" }));
  const next = await client.responses.create({ model: "mock", previous_response_id: final.id, input: outputs });
  seen[`${model} next`] = next.status;
  const items = await client.responses.inputItems.list(next.id, { order: "asc", limit: 2 });
  const kept = [];
  for await (const item of items) kept.push(item.type);
  seen[`${model} items`] = kept;
}

const parsed = await client.responses.parse({
  model: LOCAL, input: "Ann is 31. Give her age.", max_output_tokens: 40,
  text: { format: { type: "json_schema", name: "age", strict: true, schema: {
    type: "object", properties: { age: { type: "integer" } }, required: ["age"], additionalProperties: false } } },
});
seen.schema = Number.isInteger(JSON.parse(parsed.output_text).age);

let run = await client.responses.create({ model: "mock", input: "hi", background: true });
seen.queued = run.status;
while (["queued", "in_progress"].includes(run.status)) {
  await new Promise((done) => setTimeout(done, 100));
  run = await client.responses.retrieve(run.id);
}
seen.background = [run.status, run.output_text.length > 0];
const slow = await client.responses.create({ model: "mock-slow", input: "hi", background: true });
seen.cancelled = (await client.responses.cancel(slow.id)).status;
await client.responses.delete(run.id);
try {
  await client.responses.retrieve(run.id);
} catch (error) {
  seen.error = [error.constructor.name, error.status, error.code];
}
try {
  for await (const _ of await client.responses.create({ model: "mock-error-mid", input: "hi", stream: true }));
} catch (error) {
  seen.broken = error instanceof OpenAI.APIError;
}
console.log(JSON.stringify(seen));
