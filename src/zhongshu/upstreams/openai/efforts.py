"""What models take of effort, and what they do not take beside thought, by their names: facts only. A model that is not
named here takes every word, stops when told to, and is drawn as the caller says.

OpenAI (API reference, its refusals, and pydantic-ai's and litellm's tables, which are tried against the service; read
2026-11-22): models before gpt-5.1 know no "none", those since no "minimal"; gpt-6-astra, gpt-6.1-sol and whatever is newer
know no "none" again; Codex models always think; Pro models think hard, from 5.2 on medium too; chat and deep-research
models know "medium" alone. Google in OpenAI's format: what cannot stop thinking knows no "none", from Flash 3.7 on there is
no "minimal". Moonshot: kimi-k3 has words and cannot stop, kimi-k2.7 cannot stop either; a demanded tool is refused beside thought, but of
kimi-k3 any tool may be demanded, and none by name (API reference). Zhipu: glm-5.2 has a switch and words, glm-5.3 words
alone, and "Tool choice must be auto".
"""

from __future__ import annotations

import re

from zhongshu.upstreams.openai.thinking import Thinking

Words = tuple[str, ...]

SCALE: Words = ("none", "minimal", "low", "medium", "high")
_THINKS: Words = SCALE[1:]
_OLD: Words = ("low", "medium", "high")
_NEW: Words = ("none", "low", "medium", "high")
_TWO: Words = ("low", "high")

# The first that matches counts. What is above "high" is never asked for.
_ROWS: tuple[tuple[re.Pattern[str], Words], ...] = (
    (re.compile(r"deep-research|gpt-5\.\d+-chat"), ("medium",)),
    (re.compile(r"\bo\d(-|$)"), _OLD),
    (re.compile(r"gpt-oss"), _OLD),
    (re.compile(r"gpt-5-pro"), ("high",)),
    (re.compile(r"gpt-5\.\d+-pro"), ("medium", "high")),
    (re.compile(r"gpt-5(\.\d+)?-codex"), _OLD),
    (re.compile(r"gpt-5(-|$)"), _THINKS),
    (re.compile(r"gpt-(5\.\d|6-(sol|luna)|6\.1-(terra|luna))"), _NEW),
    (re.compile(r"gpt-([6-9]|\d\d)"), _OLD),
    (re.compile(r"gemini-.*-pro"), _OLD),
    (re.compile(r"gemini-(flash-latest|3\.([7-9]|\d\d)-flash(?!-lite)|[4-9]|\d\d)"), _OLD),
    (re.compile(r"gemini-3"), _THINKS),
    (re.compile(r"kimi-k([3-9]|\d\d)|glm-(5\.[3-9]|[6-9])"), _TWO),
)
_NO_SWITCH = re.compile(
    r"kimi-(k2[.-]7|k2-thinking|k([3-9]|\d\d))|glm-(5\.[3-9]|[6-9])|deepseek-(r1|reasoner)|qwq|qwen.*-thinking"
    r"|minimax-m2|claude-.*(fable|mythos)|claude-(opus|sonnet)-5[.-]5"
)
# Of services that have a switch, the models that take words: in its stead, or beside it.
_WORDS_FOR_A_SWITCH: tuple[tuple[re.Pattern[str], Thinking], ...] = (
    (re.compile(r"kimi-k([3-9]|\d\d)"), "reasoning_effort"),
    (re.compile(r"glm-(5\.[2-9]|[6-9])"), "thinking+effort"),
)
_THINKS_UNASKED = re.compile(
    r"\bo\d(-|$)|gpt-5(-(?!chat)|$)|gpt-5\.\d+-(pro|codex|chat)|gpt-(5\.([5-9]|\d\d)|[6-9]|\d\d)"
)
_THINKS_WHEN_ASKED = re.compile(r"gpt-5\.[1-4]")
_CALLS_WITHOUT_THOUGHT = re.compile(r"gpt-(5\.([4-9]|\d\d)|[6-9]|\d\d)")
_CALLS_BESIDE_THOUGHT = re.compile(r"kimi-k([3-9]|\d\d)")
_DRAWN_BY_ITSELF = re.compile(r"kimi-k(2[.-][5-9]|[3-9]|\d\d)")


def words_of(model: str) -> Words:
    """The words that a model of this name takes, in order of depth."""
    name = model.lower()
    return next((words for pattern, words in _ROWS if pattern.search(name)), SCALE)


def always_thinks(model: str) -> bool:
    """Whether a model of this name is known to refuse "off", or to think all the same."""
    return _NO_SWITCH.search(model.lower()) is not None


def words_for_a_switch(model: str) -> Thinking | None:
    """How a model that is known to take words is told, where its service has a switch; None for all others."""
    name = model.lower()
    return next((spelling for pattern, spelling in _WORDS_FOR_A_SWITCH if pattern.search(name)), None)


def draws_itself(model: str, word: str | None, thinking: Thinking) -> bool:
    """Whether a model of this name, told this word of effort (None: nothing), refuses temperature and the like. OpenAI's do
    while they think, some of them unasked; Moonshot's at Moonshot, whose service has a switch (`thinking`), always do."""
    name = model.lower()
    if thinking == "thinking" and _DRAWN_BY_ITSELF.search(name):
        return True
    if word in ("none", "off"):
        return False
    return _THINKS_UNASKED.search(name) is not None or (
        word is not None and _THINKS_WHEN_ASKED.search(name) is not None
    )


def calls_without_thought(model: str) -> bool:
    """Whether a model of this name refuses thought beside tools in OpenAI's chat (not in its Responses)."""
    return _CALLS_WITHOUT_THOUGHT.search(model.lower()) is not None


def takes_required(model: str) -> bool:
    """Whether a model of this name takes "required" while it thinks, where its service refuses a demanded tool then."""
    return _CALLS_BESIDE_THOUGHT.search(model.lower()) is not None


def nearest(effort: str, taken: Words) -> str:
    """The word that stands for an effort ("off" ... "high"): itself, else the next deeper one, else the deepest."""
    wanted = SCALE.index("none" if effort == "off" else effort)
    return next((word for word in taken if SCALE.index(word) >= wanted), taken[-1])
