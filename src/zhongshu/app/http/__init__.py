"""Requests from the network to the application and its replies back: HTTP/1.1 on connections that are kept."""
