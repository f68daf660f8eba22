"""The vocabulary that crosses borders between rooms: words, problems and ports. No I/O happens here."""
