"""Where a turn for an assistant leaves the path of the others: it is routed to its strategy."""

from __future__ import annotations

import msgspec

from zhongshu.core.models import Route
from zhongshu.core.ports import Asking
from zhongshu.core.problems import Refusal, Said, problem
from zhongshu.pipeline.route import tiers_of
from zhongshu.pipeline.stages import Admitted, Rooms, Routed
from zhongshu.pipeline.strategies.calls import Tiers, depth_of
from zhongshu.pipeline.strategies.dialled import dialled
from zhongshu.pipeline.strategies.steps import By
from zhongshu.pipeline.strategies.work import ONE_CALL, AssistantWork
from zhongshu.pipeline.weighing import dial_of


def assisted(rooms: Rooms, admitted: Admitted) -> Routed | Refusal:
    """The turn with its assistant's work before it. `admitted.offers` is the assistant's one offer."""
    arrived, assistant = admitted.arrived, admitted.offers[0].assistant
    assert assistant is not None, "the offer of an assistant"
    turn = arrived.turn
    if turn.kind != "chat":
        return _cannot(
            assistant.name, "model", Said(turn.kind, turn.kind), Said("Ask it by chat.", "请以对话方式请求。")
        )
    if turn.sampling.n > 1 and assistant.strategy not in ONE_CALL:
        remedy = Said("Set `n` to 1.", "请将 n 设为 1。")
        return _cannot(assistant.name, "n", Said("several answers at once", "一次给出多个回答"), remedy)
    inside = msgspec.structs.replace(arrived, caller=msgspec.structs.replace(arrived.caller, models=()))
    tiers: dict[By, Tiers] = {}
    if assistant.general:
        tiers["general"] = tiers_of(rooms, inside, assistant.general)
    if assistant.reasoning:
        tiers["reasoning"] = tiers_of(rooms, inside, assistant.reasoning)
    dial = dial_of(arrived, assistant.prefers or None)
    given = dial if isinstance(dial, Refusal) else dialled(rooms, turn, assistant, tiers, dial)
    if isinstance(given, Refusal):
        return given
    assistant, alone, dial = given
    first = next(iter(tiers.values()))
    effort = depth_of(turn, assistant).effort
    asking = Asking(turn, arrived.caller, first, effort)
    why = "The caller asked for this assistant.", "调用方指定了该助手。"
    route = Route(first[0][0], effort, assistant.strategy, *why, dial)
    return Routed(admitted, route, asking, work=AssistantWork(rooms, arrived, assistant, asking, tiers, alone))


def _cannot(name: str, param: str, what: Said, remedy: Said) -> Refusal:
    return Refusal("route", problem("model_cannot", param=param, model=name, what=what, remedy=remedy))
