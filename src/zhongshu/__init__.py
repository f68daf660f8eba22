"""Zhongshu 中枢: many large models as one system an organisation can run on."""

__version__ = "0.1.0"
