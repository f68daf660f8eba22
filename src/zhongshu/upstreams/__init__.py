"""Places that answer: turns our words into a provider's wire format and back. Knows no tenant, price or journal."""
