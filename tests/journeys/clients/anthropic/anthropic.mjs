// The official @anthropic-ai/sdk for Node, unchanged but for the address. Prints one JSON line of what it saw.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.env.BASE, apiKey: process.env.KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "Say hello." }];
const seen = {};

const local = await client.messages.create({ model: process.env.LOCAL, messages, max_tokens: 8 });
seen.local = local.content[0].text.length > 0;
seen.trace = local.zhongshu.trace === local._request_id;

for (const [way, model] of [["translated", "mock-tools"], ["passed", "claude-tools"]]) {
  const tools = ["get_weather", "get_time"].map((name) => ({ name, input_schema: { type: "object" } }));
  const stream = client.messages.stream({ model, messages, max_tokens: 100, tools });
  let text = "";
  stream.on("text", (piece) => (text += piece));
  const made = await stream.finalMessage();
  const inputs = made.content.filter((block) => block.type === "tool_use").map((block) => [block.name, block.input]);
  seen[way] = { text, inputs, stop: made.stop_reason, output: made.usage.output_tokens > 0 };
}

const thinking = await client.messages
  .stream({ model: "claude-thought", messages, max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 1024 } })
  .finalMessage();
seen.thought = [thinking.content[0].type, thinking.content[0].signature.length > 0];
const again = [...messages, { role: "assistant", content: thinking.content }, { role: "user", content: "And?" }];
seen.again = (await client.messages.create({ model: "claude-thought", messages: again, max_tokens: 2000 })).stop_reason;

let last = null;
for await (const event of await client.messages.create({ model: "mock", messages, max_tokens: 50, stream: true })) {
  last = event;
}
seen.closing = [last.type, last.zhongshu.label.AIGC.Label];

seen.count = (await client.messages.countTokens({ model: "mock", messages })).input_tokens > 0;
const listed = [];
for await (const model of client.models.list({ limit: 5 })) listed.push(model.id);
seen.models = listed.includes("claude-tools") && listed.length > 5;

try {
  await client.messages.create({ model: "nope", messages, max_tokens: 5 });
} catch (error) {
  seen.error = [error.constructor.name, error.status, error.error.error.type];
}
try {
  await client.messages.stream({ model: "mock-cut", messages, max_tokens: 50 }).finalMessage();
} catch (error) {
  seen.broken = error instanceof Anthropic.APIError;
}
console.log(JSON.stringify(seen));
