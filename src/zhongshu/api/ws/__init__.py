"""Chat turns over a WebSocket: several at once on one connection, cancelled by id, resumed after a break."""
