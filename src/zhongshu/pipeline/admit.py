"""First stage: may this caller ask this, now? Reserves what the turn may come to."""

from __future__ import annotations

from zhongshu.core.problems import Refusal, Said, problem
from zhongshu.pipeline.estimate import ask_of
from zhongshu.pipeline.stages import Admitted, Arrived, Rooms
from zhongshu.pipeline.strategies.reserve import ask_of_assistant

STAGE = "admit"


async def admit(rooms: Rooms, arrived: Arrived) -> Admitted | Refusal:
    """Check the model's name against the key and the catalogue, then reserve within every limit, all or nothing."""
    turn, caller = arrived.turn, arrived.caller
    if not rooms.journal.ready():
        return Refusal(
            STAGE,
            problem(
                "journal_unavailable",
                why=Said(
                    "the journal's disk is full or broken, or its text keys cannot be used",
                    "日志所在磁盘已满或损坏，或文本密钥无法使用",
                ),
                retry_after_s=5.0,
            ),
        )
    if caller.models and turn.model not in caller.models:
        why = Said(f"it is not allowed the model `{turn.model}`", f"不允许使用模型 `{turn.model}`")
        return Refusal(STAGE, problem("forbidden", param="model", why=why))
    offers = rooms.catalog.find(turn.model)
    if not offers:
        return Refusal(STAGE, problem("model_not_found", param="model", model=turn.model))
    assistant = offers[0].assistant
    if assistant is None:
        ask = ask_of(turn, rooms.catalog.payable(turn.model), rooms.assume.completion_tokens, rooms.exchange)
    else:
        ask = ask_of_assistant(rooms, turn, assistant)
    permit = await rooms.gate.admit(caller, ask)
    return permit if isinstance(permit, Refusal) else Admitted(arrived, permit, offers)
