"""OpenAI's Responses format, spoken to an upstream."""
