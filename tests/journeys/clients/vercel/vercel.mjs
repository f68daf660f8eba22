// The Vercel AI SDK, unchanged but for the address. Prints one JSON line of what it saw.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const where = { baseURL: process.env.BASE, apiKey: process.env.KEY };
const compatible = createOpenAICompatible({ ...where, name: "zhongshu", includeUsage: true });
const openai = createOpenAI(where);
const prompt = "What is the weather?";
const seen = {};

const PROVIDERS = {
  compatible: (name) => compatible.chatModel(name),
  chat: (name) => openai.chat(name),
  responses: (name) => openai.responses(name),
};
for (const [name, model] of Object.entries(PROVIDERS)) {
  const asked = [];
  const tools = {
    get_weather: tool({
      description: "The weather of a city.",
      inputSchema: z.object({ city: z.string(), unit: z.string() }),
      execute: async ({ city }) => (asked.push(city), "sunny"),
    }),
  };
  const plain = await generateText({ model: model("mock"), prompt, maxRetries: 0 });
  const stream = streamText({ model: model("mock"), prompt, maxRetries: 0 });
  let text = "";
  for await (const piece of stream.textStream) text += piece;
  const how = { model: model(`agent-vercel-${name}`), prompt, tools, stopWhen: stepCountIs(3), maxRetries: 0 };
  const agent = await generateText(how);
  const agentStream = streamText(how);
  let agentText = "";
  for await (const piece of agentStream.textStream) agentText += piece;
  seen[name] = {
    plain: plain.text,
    used: plain.usage.outputTokens,
    streamed: text,
    "streamed used": (await stream.usage).outputTokens,
    finish: await stream.finishReason,
    agent: [agent.text, agentText],
    asked,
  };
}
try {
  await generateText({ model: compatible.chatModel("none"), prompt, maxRetries: 0 });
} catch (error) {
  seen.error = [error.name, error.statusCode, error.data.error.code];
}
console.log(JSON.stringify(seen));
