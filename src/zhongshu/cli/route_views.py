"""How explanations, dials and reports of routing look in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from zhongshu.cli.ledger_views import money
from zhongshu.cli.output import out, print_json, print_table
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from zhongshu.pipeline.routings import TunedAssistant
    from zhongshu.router.proving.proof import Proof
    from zhongshu.router.proving.report import Report
    from zhongshu.router.proving.tuning import Span, Tuned


_JUDGED_BY = {"model": "由训练的模型判断", "marks": "按标记判断"}
_SAID_BY = {"request": "请求", "header": "请求头", "key": "密钥", "assistant": "助手", "settings": "设置"}
_STATES = {"judged": ("judged", "已评判"), "open": ("not judged", "未评判"), "failed": ("failed", "失败")}


def show_explained(plain: dict[str, Any]) -> None:
    """A decision told again: what was weighed, and what would have changed it."""
    reason = plain["reason_zh"] if chinese() else plain["reason"]
    out.print(f"{plain['release']}  {reason}", markup=False, highlight=False)
    dial = f"{plain['dial']:g} ({_whose(plain['dial_by'])})"
    rows = [
        (
            t("kind of task", "任务类型"),
            t(f"{plain['task']} ({plain['judged_by']})", f"{plain['task_zh']}（{_JUDGED_BY[plain['judged_by']]}）"),
        ),
        (t("chance that a general model is wrong", "通用模型答错的可能"), plain["general_wrong"]),
        (t("gain expected of deep thought", "深度思考的预期收益"), plain["gain"]),
        (t("least gain at this dial", "此档位要求的收益"), f"{plain['least_gain']} ({t('dial', '档位')} {dial})"),
        (t("distance", "差距"), plain["distance"]),
        *[
            (t(name, zh), f"{plain[field]:g} ({_whose(plain[field + '_by'])})")
            for field, name, zh in (
                ("max_cost", "ceiling of the cost", "费用上限"),
                ("max_seconds", "ceiling of the seconds", "用时上限（秒）"),
            )
            if plain[field] is not None
        ],
        *[(row["zh"] if chinese() else row["en"], f"{row['adds']:+}") for row in plain["weightiest"]],
        *[(row["release"], _candidate(row)) for row in plain["candidates"]],
    ]
    print_table([t("What was weighed", "依据"), ""], rows)
    out.print(t("What would have changed it:", "怎样会改变结果："))
    for change in plain["changes"]:
        out.print(f"- {change['zh'] if chinese() else change['en']}", markup=False)
    sample = plain["sample"]
    if sample is not None:
        out.print(
            t("The other kind of model answered too: ", "另一类模型也作了回答：") + f"{sample['other']}, {_STATES[sample['state']][chinese()]}"
            + (f", {sample['general']:g} / {sample['reasoning']:g} ({sample['by']})" if sample["state"] == "judged" else ""),
            markup=False,
        )  # fmt: skip
    if not plain["same_now"]:
        out.print(
            t(
                f"By the settings of now it would go to {plain['now']['release']}.",
                f"按现在的设置，它会交给 {plain['now']['release']}。",
            ),
            markup=False,
        )


def _candidate(row: dict[str, Any]) -> str:
    right, cost = f"{row['expected_quality']:.2f}", f"{row['expected_cost_nano'] / 1e9:.6f}"
    seconds = row["expected_seconds"]
    took = "" if seconds is None else t(f", {seconds:.3g} s", f"，用时 {seconds:.3g} 秒")
    return t(f"{right}, {cost}{took}", f"答对的可能 {right}，费用 {cost}{took}")


def _whose(by: str) -> str:
    """Who said a dial or a ceiling."""
    return _SAID_BY.get(by, by) if chinese() else by


def show_tuned_assistant(tuned: TunedAssistant, as_json: bool) -> None:
    """What an assistant should be set to, and what that keeps."""
    name, value = ("threshold", tuned.threshold) if tuned.threshold is not None else ("quality", tuned.quality)
    setting = f'[[assistants]]\nname = "{tuned.assistant}"\n{name} = {value:g}\n'
    if as_json:
        beside = {"assistant": tuned.assistant, "strategy": tuned.strategy, "without_text": tuned.without_text}
        return print_json({**msgspec.structs.asdict(tuned.found), **beside, name: value, "setting": setting})
    _show_kept(tuned.found)
    if tuned.without_text:
        count = tuned.without_text
        out.print(
            t(f"{count} judged samples do not count: their text is not kept.", f"{count} 个抽样未计入：文本未保存。")
        )
    out.print(f"\n{setting}", markup=False, highlight=False, end="")


def show_tuned(found: Tuned) -> None:
    """The dial that was found, and what it keeps."""
    _show_kept(found)
    out.print(f"\n[router]\ndial = {found.dial:g}", markup=False, highlight=False)


def _show_kept(found: Tuned) -> None:
    from zhongshu.router.proving.report import LEAST_CASES

    rows = [
        (t("questions", "问题数"), found.rows),
        (t("accuracy: general / routed / reasoning", "准确率：通用 / 路由 / 推理"),
         f"{found.general_accuracy:.3f} / {found.accuracy:.3f} / {found.reasoning_accuracy:.3f}"),
        (t("accuracy kept", "保持的比例"), _spanned(found.kept)),
        (t("calls of the reasoning model", "推理模型调用占比"), _spanned(found.strong_calls)),
        (t("resamples that keep it", "重抽样中达标的比例"), f"{found.often:.0%}"),
    ]  # fmt: skip
    if found.held_out_kept is not None and found.held_out_calls is not None:
        rows.append(
            (
                t("on rows left out: kept / calls", "留出样本：保持 / 调用"),
                f"{found.held_out_kept:.1%} / {found.held_out_calls:.1%}",
            )
        )
    print_table([t("At this dial", "在此档位"), ""], rows)
    _show_sure(found)
    if found.rows < LEAST_CASES:
        out.print(
            t(
                f"These are few questions: from {LEAST_CASES} on the intervals can be trusted.",
                f"问题数过少：至少 {LEAST_CASES} 个时区间才可信。",
            )
        )
    if not found.reached and found.kept.value < found.quality:
        out.print(
            t(
                f"No dial keeps {found.quality:.0%}; this is the best there is.",
                f"没有档位能保持 {found.quality:.0%}；以下为最佳。",
            )
        )


def _show_sure(found: Tuned) -> None:
    """What is true of other turns than these."""
    sure, share = found.sure, f"{100 * found.quality:.4g}%"
    how = f"{100 * sure.confidence:.4g}%"
    if sure.dial is None:
        more = t(
            f" About {sure.needed} questions like these would tell." if sure.needed else "",
            f"约需 {sure.needed} 个这样的问题。" if sure.needed else "",
        )
        said = (
            t(
                f"No dial is {how} sure to keep {share} elsewhere too.",
                f"没有档位有 {how} 的把握在其他请求上也保持 {share}。",
            )
            + more
        )
    elif sure.dial == found.dial:
        said = t(f"{how} sure to keep {share} elsewhere too.", f"有 {how} 的把握在其他请求上也保持 {share}。")
    else:
        said = t(
            f"This is a best guess: elsewhere it keeps less than {share} about every other time. To be {how} sure takes "
            f"{sure.strong_calls:.1%} of calls: --confidence {sure.confidence:g}.",
            f"这是最佳估计：在其他请求上约半数情况会低于 {share}。要有 {how} 的把握，调用占比为 {sure.strong_calls:.1%}："
            f"--confidence {sure.confidence:g}。",
        )
    out.print(said, markup=False, highlight=False)


def show_report(found: Report) -> None:
    """What routing was worth: what was done, what prices alone say, what labels and samples prove."""
    if found.turns or found.proof is None:
        _show_done(found)
    if found.turns:
        _show_by_price(found)
    if found.proof is not None:
        _show_proof(found.proof)
    taken = found.samples
    if taken.taken:
        out.print(
            t(
                f"{taken.taken} samples: {taken.judged} judged, {taken.open} not, {taken.failed} failed; they cost ",
                f"{taken.taken} 个抽样：{taken.judged} 个已评判，{taken.open} 个未评判，{taken.failed} 个失败；费用 ",
            )
            + (money(taken.extra_nano, found.currency) or "0")
        )
    for said in (found.claim.said, *found.unknown):
        out.print(said.zh if chinese() else said.en)


def _show_done(found: Report) -> None:
    sides = (
        (t("general", "通用"), found.general),
        (t("reasoning", "推理"), found.reasoning),
        (t("all", "合计"), found.all),
    )
    print_table(
        t("answered by|turns|cost|scored|quality", "回答者|次数|费用|已评分|质量").split("|"),
        [
            (
                name,
                side.turns,
                money(side.cost_nano, found.currency),
                side.scored,
                side.quality and _spanned(side.quality),
            )
            for name, side in sides
        ],
    )


def _show_by_price(found: Report) -> None:
    """What always one model would have cost, where prices say it."""
    if found.always_general_nano is None or found.always_reasoning_nano is None:
        return
    saved = ""
    if found.saved is not None:
        share, less = f"{abs(found.saved):.1%}", found.saved >= 0
        saved = t(f"; {share} {'less' if less else 'more'} was paid.", f"；实付{'少' if less else '多'} {share}。")
    out.print(
        t("By prices alone, not measured: always general ", "仅按价格估计，并非实测：始终通用 ")
        + (money(found.always_general_nano, found.currency) or "0")
        + t(", always reasoning ", "，始终推理 ")
        + (money(found.always_reasoning_nano, found.currency) or "0")
        + saved
    )


def _show_proof(proof: Proof) -> None:
    from zhongshu.router.proving.picture import NAMES_ZH

    cost = t("cost", "费用") if proof.priced else t("reasoning calls", "推理调用")
    print_table(
        [t(f"{proof.cases} judged cases", f"{proof.cases} 个已评判的请求"), t("quality", "质量"), cost],
        [(t(way.name, NAMES_ZH[way.name]), f"{way.quality:.3f}", f"{way.cost:.6g}") for way in proof.ways],
    )
    out.print(
        t("better than the random mix by ", "优于随机混合 ") + _spanned(proof.over_random, "+.3f") + "; "
        + t("accuracy kept ", "保持准确率 ") + _spanned(proof.kept)
    )  # fmt: skip
    if proof.promise is not None:
        out.print(proof.promise.said.zh if chinese() else proof.promise.said.en, markup=False, highlight=False)


def _spanned(span: Span, form: str = ".1%") -> str:
    return f"{span.value:{form}} ({span.low:{form}} … {span.high:{form}})"
