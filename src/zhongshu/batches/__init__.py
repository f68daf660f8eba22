"""Batches: files of requests, each answered by the same path as any other turn, durably and out of the way."""
