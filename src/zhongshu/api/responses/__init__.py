"""OpenAI's Responses protocol: stateful turns, typed stream events, stored objects."""
