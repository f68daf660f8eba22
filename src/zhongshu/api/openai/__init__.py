"""OpenAI's protocol: chat completions, completions, embeddings, models. Its wire format lives here and nowhere else."""
