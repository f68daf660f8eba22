"""How long the connections of one server wait, which all of them are looked after for together."""

from __future__ import annotations

from zhongshu.app.http.refusals import refusal
from zhongshu.core.deadlines import Deadlines
from zhongshu.core.problems import problem

LINGER_S = 2.0
"""How long a connection that is being closed is read into nothing."""


class Waiting:
    """arrive_within_s: how long one request may take to arrive. keep_alive_s: how long a connection may lie idle.
    too_slow: what a client is told whose request took longer."""

    def __init__(self, arrive_within_s: float, keep_alive_s: float) -> None:
        self.arrive_within_s = arrive_within_s
        self.keep_alive_s = keep_alive_s
        self.too_slow = refusal(problem("body_too_slow", limit=arrive_within_s))
        self.deadlines = Deadlines(min(arrive_within_s, keep_alive_s, LINGER_S))
