"""Google's Gemini protocol: generateContent, its stream, countTokens, embeddings and models."""
