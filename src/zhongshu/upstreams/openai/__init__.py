"""The wire format of OpenAI's chat, completion and embedding endpoints, as its many followers speak it."""
