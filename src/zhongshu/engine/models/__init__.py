"""The files of local models: which there are, how they come here, whether they are whole, and what memory they need.

Knows nothing of running a model: it hands out paths of verified files and numbers read from their headers.
"""
