"""HTTP: one folder a protocol. Turns bytes into Turns and answers into bytes; decides nothing."""
