"""Whether a question has a result that two answers can be compared by, and whether they come to the same. Pure.

Knows no more than words and shapes. What they do not show to be the same counts as different: to think once more is
cheaper than to be wrong.
"""

from __future__ import annotations

import re
import unicodedata

from zhongshu.core.turns import Format
from zhongshu.router.agreement import EMPTY, agree, bare
from zhongshu.router.task import Task, mark

_SHORT = 200
"""Characters of an answer that is a result rather than a text."""
_RESULTS = frozenset[Task]({"mathematics", "choice"})
_TEXTS = frozenset[Task]({"writing", "code", "planning", "chat"})
_THOUGHT = frozenset[Task]({"mathematics", "proof"})
_MADE = re.compile(
    r"\W*(?:(?:please|kindly|can you|could you|would you|help me(?: to)?|i (?:want|need|would like) you to)\W+)*+"
    r"(?:(?:write|make|create)\s+(?:me\s+|us\s+)?(?:an?|one|two|three|some|several|\d+|my|our)\b|compose|draft|rewrite|rephrase|"
    r"paraphrase|polish|improve|summari[sz]e|describe|explain|suggest|recommend|propose|invent|imagine|brainstorm|design|"
    r"(?:give|tell)\s+(?:me|us)\s+(?:\S+\s+){0,2}(?:advice|tips?|ideas?|suggestions?|jokes?|stor(?:y|ies))\b|advise)"
    r"|\W*(?:请|你|能不能|可以|帮我|帮忙|麻烦|给我|为我|替我|用[^话句字\s]{1,8}+[话句字]{1,2}+)*+"
    r"(?:写(?![出明下清])|起草|草拟|拟[一个份]|编[写一个造]|改写|润色|总结|概括|起个|取个|讲个|"
    r"(?:描述|解释|介绍|推荐|建议|创作|设计|构思)(?![者人师家价零号]))",
    re.IGNORECASE,
)
"""The beginning of a question that wants something made, however short: there are many ways to make it."""

_TOKEN = re.compile(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+(?:[.@'’_+-][^\W_\u4e00-\u9fff]+)*")
_ARTICLES = frozenset({"a", "an", "the"})
_UNDECIDED = re.compile(
    r"[,，、;；?？不或非没无未和与及而]|还是|\b(?:not?|nor|or|and|neither|either|both|but|unless|without|except|rather|instead|"
    r"cannot|can|could|may|might|\w+n['’]t)\b",
    re.IGNORECASE,
)
_MOST_NAMED = 8


def has_result(question: str, draft: str, form: Format) -> bool:
    """Whether the question has one answer that is right, as far as it, the draft and the form asked for show. A text,
    code or a plan can be made in many ways, and a long answer says more than one thing."""
    asked = wants_result(question, form)
    return len(draft.strip()) <= _SHORT if asked is None else asked


def wants_result(question: str, form: Format) -> bool | None:
    """The same before there is a draft; None where that will show it."""
    task = mark(question).task
    if task in _RESULTS:
        return True
    if task in _TEXTS or _MADE.match(question):
        return False
    return True if form.kind != "text" else None


def needs_thought(question: str) -> bool:
    """Whether answers without thought that agree say little: of what is worked out in steps."""
    return mark(question).task in _THOUGHT


def same_result(question: str, draft: str, solution: str) -> bool:
    """Whether both are seen to come to the same."""
    first, second = bare(draft), bare(solution)
    same = agree(question, draft, solution)
    if same is None:
        same = agree(question, first, second)
    if same is not None:
        return same
    return _names(question, first, second) or _names(question, second, first) or _add_the_same(question, first, second)


def _names(question: str, result: str, answer: str) -> bool:
    """Whether one answer is a result that the other names, and nothing beside it: next to it stand the question's words
    alone ("North Korea" is not "Korea"). What stands in the question itself may be named for another reason."""
    if not _plain(result, answer):
        return False
    asked = frozenset(_tokens(question))
    named, around = [token for token in _tokens(result) if token not in _ARTICLES], _tokens(answer)
    if not 0 < len(named) <= _MOST_NAMED or len("".join(named)) < 2 or asked.issuperset(named):
        return False
    at, known = _place(named, around), asked | EMPTY
    return at >= 0 and known.issuperset((*around[max(0, at - 1) : at], *around[at + len(named) :][:1]))


def _add_the_same(question: str, first: str, second: str) -> bool:
    """Whether two sentences add the same to the question's own words, and have those in one order, where both have them:
    who did it and to whom may be all that they differ in."""
    if not _plain(first, second):
        return False
    asked = frozenset(_tokens(question))
    one, other = ([token for token in _tokens(text) if token not in EMPTY] for text in (first, second))
    added = [token for token in one if token not in asked]
    if not added or added != [token for token in other if token not in asked]:
        return False
    return _runs_in(*([token for token in said if token in asked] for said in sorted((one, other), key=len)))


def _plain(*texts: str) -> bool:
    """Whether each says one short thing, without a doubt, a denial or a second thing."""
    return not any(len(text) > _SHORT or _UNDECIDED.search(text) for text in texts)


def _place(part: list[str], whole: list[str]) -> int:
    """Where these words stand in a row; -1 for nowhere."""
    size = len(part)
    return next((at for at in range(len(whole) - size + 1) if whole[at : at + size] == part), -1)


def _runs_in(part: list[str], whole: list[str]) -> bool:
    """Whether these words come in this order, with others between."""
    left = iter(whole)
    return all(token in left for token in part)


def _tokens(text: str) -> list[str]:
    """Its words and numbers; of Chinese its characters."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())
