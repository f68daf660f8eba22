"""The embedded engine as an upstream: turns in our words onto llama.cpp in a process of our own, and back."""
