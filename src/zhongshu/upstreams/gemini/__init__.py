"""Google's wire format: generateContent and its stream, as the Gemini API speaks it."""
