// The official openai package for Node, unchanged but for the address. Prints one JSON line of what it saw.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE, apiKey: process.env.KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "Say hello." }];
const seen = {};

const plain = await client.chat.completions.create({ model: process.env.LOCAL, messages, max_tokens: 8 });
seen.local = plain.choices[0].message.content.length > 0;
seen.trace = plain.zhongshu.trace === plain._request_id;
seen.label = plain.zhongshu.label.AIGC.Label;

let text = "";
let finish = null;
let last = null;
const stream = await client.chat.completions.create({ model: process.env.LOCAL, messages, max_tokens: 8, stream: true });
for await (const chunk of stream) {
  text += chunk.choices[0].delta.content ?? "";
  finish = chunk.choices[0].finish_reason ?? finish;
  last = chunk;
}
seen.streamed = text.length > 0;
seen.finish = finish;
seen.closing = last.zhongshu.label.explicit;

const runner = client.chat.completions.stream({
  model: "mock-tools",
  messages,
  tools: ["get_weather", "get_time"].map((name) => ({ type: "function", function: { name, parameters: {} } })),
});
const tools = (await runner.finalChatCompletion()).choices[0].message.tool_calls;
seen.tools = tools.map((call) => call.function.name);

const vectors = await client.embeddings.create({ model: process.env.EMBEDDING, input: ["query: 你好", "query: hello"] });
seen.vectors = vectors.data.map((row) => row.embedding.length);

seen.models = (await client.models.list()).data.length > 2;

try {
  await client.chat.completions.create({ model: "none", messages });
} catch (error) {
  seen.error = [error.constructor.name, error.status, error.code];
}
try {
  for await (const _ of await client.chat.completions.create({ model: "mock-error-mid", messages, stream: true }));
} catch (error) {
  seen.broken = error instanceof OpenAI.APIError;
}
console.log(JSON.stringify(seen));
