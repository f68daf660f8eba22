"""Whether a question has a result that two answers can be compared by, and whether they come to the same. Pure.

Knows no more than words and shapes: where those do not tell, it says so, and somebody has to be asked.
"""

from __future__ import annotations

import re
import unicodedata

from zhongshu.core.turns import Turn
from zhongshu.router.agreement import agree
from zhongshu.router.task import Task, mark

_SHORT = 200
"""Characters of an answer that is a result rather than a text."""
_RESULTS = frozenset[Task]({"mathematics", "choice"})
_TEXTS = frozenset[Task]({"writing", "code", "planning", "chat"})
_THOUGHT = frozenset[Task]({"mathematics", "proof"})

_LEAD = re.compile(
    r"^\W*(?:<answer>\s*)?(?:(?:(?:the|my|final|correct)\s+)*answer\s*(?:is\b\s*[:：]?|[:：])|(?:最终|正确)?答案\s*(?:[:：]|是|为))\s*",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+(?:[.@'’_+-][^\W_\u4e00-\u9fff]+)*")
_ARTICLES = frozenset({"a", "an", "the"})
_UNDECIDED = re.compile(
    r"[,，、;；?？不或非没无未和与及而]|还是|\b(?:not?|nor|or|and|neither|either|both|but|unless|without|except|rather|instead|"
    r"cannot|can|could|may|might|\w+n['’]t)\b",
    re.IGNORECASE,
)
_MOST_NAMED = 8
_EMPTY = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "was",
        "are",
        "were",
        "be",
        "been",
        "of",
        "in",
        "on",
        "at",
        "by",
        "to",
        "it",
        "its",
        "this",
        "that",
        "used",
        "known",
        "called",
        "named",
        "located",
        "written",
        "是",
        "的",
        "在",
        "由",
        "为",
        "叫",
        "了",
        "它",
        "于",
        "位",
    ]
)
"""Words that say nothing by themselves."""


def has_result(turn: Turn, question: str, draft: str) -> bool:
    """Whether the question has one answer that is right, as far as it and the draft show. A text, code or a plan can be
    made in many ways, and a long answer says more than one thing."""
    task = mark(question).task
    if task in _RESULTS:
        return True
    return task not in _TEXTS and (len(draft.strip()) <= _SHORT or turn.format.kind != "text")


def needs_thought(question: str) -> bool:
    """Whether answers without thought that agree say little: of what is worked out in steps."""
    return mark(question).task in _THOUGHT


def same_result(question: str, draft: str, solution: str) -> bool | None:
    """Whether both come to the same; None where it cannot be told."""
    same = agree(question, draft, solution)
    if same is not None:
        return same
    first, second = _bare(draft), _bare(solution)
    same = agree(question, first, second)
    if same is not None:
        return same
    if _names(question, first, second) or _names(question, second, first) or _add_the_same(question, first, second):
        return True
    return False if _are_two_of(question, first, second) else None


def _bare(text: str) -> str:
    """The answer without the words that announce it."""
    text = unicodedata.normalize("NFKC", text).strip()
    return _LEAD.sub("", text, count=1).strip() or text


def _names(question: str, result: str, answer: str) -> bool:
    """Whether one answer is a result that the other names, and nothing beside it. What stands in the question may be
    named for another reason."""
    if max(len(result), len(answer)) > _SHORT or _UNDECIDED.search(result) or _UNDECIDED.search(answer):
        return False
    named, around, asked = _tokens(result), _tokens(answer), frozenset(_tokens(question))
    while named and named[0] in _ARTICLES:
        named = named[1:]
    if not named or len(named) > _MOST_NAMED or len("".join(named)) < 2 or asked.issuperset(named):
        return False
    return _stands_in(named, around)


def _add_the_same(question: str, first: str, second: str) -> bool:
    """Whether two sentences say the same beyond the question's own words, in one order."""
    if max(len(first), len(second)) > _SHORT or _UNDECIDED.search(first) or _UNDECIDED.search(second):
        return False
    known = _EMPTY.union(_tokens(question))
    added = [token for token in _tokens(first) if token not in known]
    return bool(added) and added == [token for token in _tokens(second) if token not in known]


def _are_two_of(question: str, first: str, second: str) -> bool:
    """Whether they are two different things that the question names, as the words that it lets one choose from."""
    one, other, asked = _tokens(first), _tokens(second), _tokens(question)
    if not 0 < len(one) <= _MOST_NAMED or not 0 < len(other) <= _MOST_NAMED:
        return False
    return (
        _stands_in(one, asked)
        and _stands_in(other, asked)
        and not _stands_in(one, other)
        and not _stands_in(other, one)
    )


def _stands_in(part: list[str], whole: list[str]) -> bool:
    size = len(part)
    return any(whole[at : at + size] == part for at in range(len(whole) - size + 1))


def _tokens(text: str) -> list[str]:
    """Its words and numbers; of Chinese its characters."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())
