// The official @openai/agents, unchanged but for its client: a tool that is called and answered, over one conversation.
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";

const { BASE, KEY } = process.env;
setTracingDisabled(true);
const openAIClient = new OpenAI({ baseURL: BASE, apiKey: KEY, maxRetries: 0 });
const modelProvider = new OpenAIProvider({ openAIClient, useResponses: true });
const runner = new Runner({ modelProvider, tracingDisabled: true });
const asked = [];
const weather = tool({
  name: "get_weather",
  description: "The weather of a city.",
  parameters: z.object({ city: z.string(), unit: z.string() }),
  execute: async ({ city }) => { asked.push(city); return "sunny"; },
});
const seen = {};
for (const model of ["agent", "r-agent"]) {
  const agent = new Agent({ name: "helper", instructions: "Be brief.", model, tools: [weather] });
  const result = await runner.run(agent, "Weather in Beijing?");
  seen[model] = [result.finalOutput, asked.splice(0)];
  const again = await runner.run(agent, "And now?", { previousResponseId: result.lastResponseId, stream: true });
  const kinds = new Set();
  for await (const event of again) kinds.add(event.type);
  await again.completed;
  seen[`${model} streamed`] = [again.finalOutput, kinds.has("raw_model_stream_event")];
}
console.log(JSON.stringify(seen));
