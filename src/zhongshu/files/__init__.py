"""Files that callers keep here: uploaded, listed, read and deleted, each by its own tenant."""
