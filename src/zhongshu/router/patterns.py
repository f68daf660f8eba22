"""What the kinds of tasks are told by: patterns in English and Chinese, each with the words without one of which it cannot
be found in a text.

A search through a text costs as much where nothing is found; so the words (and Chinese characters) of a text are looked
up first, all at once. Some say it all: in a text of ASCII alone, "theorem" among the words is the pattern "theorem"
found. Others only say which pattern to try. tests/router/test_patterns.py holds each against its pattern.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Flag = int


class Mark:
    """A pattern for text in lower case: ignoring case takes three times as long.

    flag: stands for it among others. pattern: all of it; unsure: what words alone do not say of a text of ASCII.
    """

    __slots__ = ("flag", "pattern", "unsure")

    def __init__(self, flag: Flag, pattern: re.Pattern[str], unsure: re.Pattern[str]) -> None:
        self.flag = flag
        self.pattern = pattern
        self.unsure = unsure


class Seen(NamedTuple):
    """What the words of a text in lower case say. sure: flags of patterns that it holds; maybe: of those worth trying.
    ascii: whether it is ASCII alone. few_numbers: surely holds fewer than two quantities."""

    sure: Flag
    maybe: Flag
    ascii: bool
    few_numbers: bool

    def has(self, mark: Mark, text: str) -> bool:
        """Whether the pattern is found in the text that this was seen in."""
        if self.sure & mark.flag:
            return True
        return bool(self.maybe & mark.flag) and (mark.unsure if self.ascii else mark.pattern).search(text) is not None


_SURE: dict[bytes, Flag] = {}
_MAYBE: dict[bytes, Flag] = {}
_BY_CHARACTER: dict[str, Flag] = {}
_flags: list[Flag] = []


def _made(sure: str, words: str, english: str, chinese: str, characters: str, bare: str = "") -> Mark:
    """sure: words that are alternatives by themselves. english: the other alternatives between words' ends, words:
    without one of which none of these is there. chinese: characters: the same. bare: alternatives in ASCII that are not
    between words' ends."""
    flag = 1 << len(_flags)
    _flags.append(flag)
    for table, listed in ((_SURE, sure), (_MAYBE, words)):
        for word in listed.split():
            table[word.encode()] = table.get(word.encode(), 0) | flag
    for character in characters:
        _BY_CHARACTER[character] = _BY_CHARACTER.get(character, 0) | flag
    unsure = "|".join(part for part in (rf"\b(?:{english})\b" if english else "", bare) if part)
    every = "|".join(part for part in (sure.replace(" ", "|"), english) if part)
    whole = "|".join(part for part in (rf"\b(?:{every})\b" if every else "", bare, chinese) if part)
    return Mark(flag, re.compile(whole), re.compile(unsure or "(?!)"))


TRANSFORM = _made(
    "",
    "translate translating summarise summarize summary paraphrase proofread rewrite rephrase polish extract classify "
    "transcribe reformat grammar spelling tl",
    r"translat(?:e|ing)|summari[sz]e|summary of|paraphrase|proofread|rewrite|rephrase|polish|extract|classify|"
    r"transcribe|reformat|correct the (?:grammar|spelling)|tl;dr",
    "翻译|译成|译为|总结|概括|摘要|提取|抽取|分类|归类|改写|润色|校对|缩写|扩写|纠正错别字",
    "翻译总概摘提抽分归改润校缩扩纠",
)
PROOF = _made(
    "prove proof derive theorem lemma disprove",
    "derivation induction show",
    r"derivation of|by induction|show that",
    "证明|推导|求证|反证|归纳法|定理",
    "证推求反归定",
)
PROVE_NOW = re.compile(r"\W*(?:please |请)?(?:prove|derive|show that|证明|求证|推导)")
PLANNING = _made(
    "optimise optimize optimal schedule scheduling constraint constraints tradeoff tradeoffs roadmap itinerary puzzle",
    "trade allocate plan design knaves",
    r"trade-?offs?|allocate (?:resources|budgets?|staff)|"
    r"plan (?:a|an|the|my|our|for)|design (?:a|an|the) (?:system|architecture|protocol|experiment|schema)|"
    r"knights? and knaves",
    "最优|优化方案|约束|排班|排程|权衡|统筹|规划|分配方案|行程安排|设计(?:一个|一套)?(?:系统|架构|协议|方案|实验)|逻辑题|推理题",
    "最优约排权统规分行设逻推",
)
DIAGNOSIS = _made(
    "debug debugging deadlock deadlocks segfault stacktrace traceback diagnose diagnosis troubleshoot",
    "race root memory stack",
    r"race condition|root cause|memory leak|stack ?trace",
    "死锁|根因|调试|排查|故障|内存泄漏|竞态|诊断",
    "死根调排故内竞诊",
)
# "why" stands at the front, where it is searched for quickly; that a word begins there is asked afterwards.
WHY_BROKEN = _made(
    "",
    "why",
    "",
    "为什么.{0,20}(?:报错|失败|崩溃|卡住|变慢)",
    "为",
    r"why(?<!\wwhy) (?:does|is|do|are|did) (?:my|this|the|our) .{0,60}(?:fail|crash|hang|slow|wrong|error|break)\w*\b",
)
CODE = _made(
    "python javascript typescript java rust golang sql bash regex html css algorithm",
    "unit write implement refactor c",
    r"unit tests?|(?:write|implement|refactor) (?:a|an|the|this)[\w ]{0,20} ?"
    r"(?:function|class|script|program|query|method|parser)",
    "代码|函数|脚本|程序|正则|算法|写个?接口|编程",
    "`代函脚程正算写编",
    r"```|\bc\+\+",
)
WRITING = _made(
    "essay poem haiku slogan",
    "write draft compose cover blog story",
    r"(?:write|draft|compose) (?:me )?(?:a|an|the|my|some)|cover letter|blog post|story about",
    r"写一?[篇封首段个份]|作文|文案|诗歌?|起草|撰写|邮件|演讲稿|周报",
    "写作文诗起撰邮演周",
)
CHAT = re.compile(
    r"^\W*(?:hi|hello|hey|thanks?|thank you|good (?:morning|evening|night|afternoon)|bye|ok(?:ay)?|great|cool|nice|"
    r"how are you|who are you|what(?:'s| is) your name|lol|你好|您好|谢谢|多谢|早上好|晚上好|晚安|再见|好的|哈哈|你是谁|在吗|辛苦了)\b",
)
WORKED = _made(
    "calculate compute solve",
    "many much long far old fast total sum average probability area volume ratio difference remainder value rate percent "
    "percentage number",
    r"how (?:many|much|long|far|old|fast)|what is the (?:total|sum|average|probability|area|volume|ratio|difference|"
    r"remainder|value)|at this rate|what percent(?:age)?|find the (?:value|number|sum|area|probability)",
    "多少|几[个只天次人元块小岁倍]|求[^助救职]|计算|解方程|概率|平均|总共|一共|还剩",
    "多几求计解概平总一还",
)
FORMULA = _made(
    "integral derivative eigenvalue eigenvalues equation equations inequality modulo polynomial differentiate integrate "
    "matrix combinatorics",
    "",
    "",
    "积分|导数|求导|方程|不等式|矩阵|数列|同余|多项式",
    "积导求方不矩数同多\\",
    r"\\frac|\\int|\\sum",
)
RELATED = _made(
    "each every per twice half third thirds percent fewer remaining altogether speed",
    "times than",
    r"times as|more than|less than",
    "￥|每|倍|分之|一半|剩下|比.{1,12}[多少]",
    "$%￥每倍分一剩比",
    "[$%]",
)
_NUMBERS = "two three four five six seven eight nine ten twelve twenty half twice third thirds"
QUANTITY = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|half|twice|thirds?)\b|"
    r"[一二两三四五六七八九十百千半]{1,6}(?=[个只元块天小分公米斤人次倍本支箱条岁份辆])"
)
STEPS = _made(
    "rigorous rigorously",
    "step carefully think detail",
    r"step[- ]by[- ]step|reason(?:ing)? carefully|think (?:hard|carefully|deeply)|in detail why",
    "一步一步|逐步|分步|仔细思考|深入分析|严格论证|详细推理",
    "一逐分仔深严详",
)
LIMITS = _made(
    "",
    "must least most than exactly using only unless subject such",
    r"must(?: not)?|at (?:least|most)|no more than|no fewer than|exactly|without using|only if|unless|subject to|"
    r"if and only if|such that",
    "必须|不得|至少|至多|不超过|不少于|恰好|除非|当且仅当|使得|不能使用|只能",
    "必不至恰除当使只",
)
WEIGHED = _made(
    "why compare analyse analyze evaluate consequences implications",
    "explain",
    "explain how",
    "为什么|比较|分析|评估|影响|利弊",
    "为比分评影利",
)
DEEP_CODE = _made(
    "concurrent concurrency distributed compiler consensus backtracking invariant",
    "lock thread dynamic np shortest o",
    r"lock-free|thread[- ]safe|dynamic programming|np-hard|shortest path",
    "并发|线程安全|分布式|动态规划|编译器|一致性|回溯|最短路|时间复杂度",
    "并线分动编一回最时",
    r"\bo\(.{1,8}\)",
)
FOLLOW_UP = re.compile(
    r"^\W*(?:why(?: (?:is|so|not|is that))?|how(?: so| come)?|and then|then what|go on|continue|more|explain(?: (?:more|that|this|it))?|are you sure|"
    r"really|try again|check (?:it|that|again)|what about .{1,40}|next(?: step)?|为什么|为何|怎么(?:得|来|算)的?|继续|接着(?:说|写|做)?|然后呢?|"
    r"再(?:想想|算一遍|试一次|检查一下)|你确定吗?|确定吗|真的吗|详细(?:说说|一点|点)|解释一下|下一步|展开(?:讲讲|说说)?|那.{1,16}呢)\W*$",
)

_NUMBER_WORDS = frozenset(_NUMBERS.encode().split())
_WORDS = frozenset((*_SURE, *_MAYBE, *_NUMBER_WORDS))
_CHARACTERS = frozenset(_BY_CHARACTER)
_SIGNS = {ord(sign): flag for sign, flag in _BY_CHARACTER.items() if sign.isascii()}
# Words are what \w matches; of all else, only digits and signs are of use.
_TO_WORDS = bytes(code if chr(code).isalnum() or code == ord("_") else ord(" ") for code in range(128)) + b" " * 128
_OF_NO_USE = bytes(code for code in range(256) if code not in _SIGNS and not (code < 128 and chr(code).isdigit()))


def seen(text: str) -> Seen:
    """What the words and signs of a text in lower case say."""
    plain = text.encode("ascii", "replace")
    words = plain.translate(_TO_WORDS).split()
    sure = maybe = 0
    known = _WORDS.intersection(words)
    for word in known:
        sure |= _SURE.get(word, 0)
        maybe |= _MAYBE.get(word, 0)
    if not text.isascii():
        for sign in _CHARACTERS.intersection(text):
            maybe |= _BY_CHARACTER[sign]
        return Seen(0, sure | maybe, False, False)
    signs = plain.translate(None, _OF_NO_USE)
    numbers = 0
    for sign in signs:
        flag = _SIGNS.get(sign)
        if flag is None:
            numbers += 1
        else:
            maybe |= flag
    if numbers < 2 and not known.isdisjoint(_NUMBER_WORDS):
        numbers += sum([word in _NUMBER_WORDS for word in words])
    return Seen(sure, maybe, True, numbers < 2)
