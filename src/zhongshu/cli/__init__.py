"""The command line: one file a command. Speaks Chinese or English by locale."""
