"""What the kinds of tasks are told by: patterns in English and Chinese, each with the words without one of which it cannot
be found in a text.

A search through a text costs as much where nothing is found; so the words (and Chinese characters) of a text are looked
up first, all at once. Some say it all: in a text of ASCII alone, "theorem" among the words is the pattern "theorem"
found. Others only say which pattern to try. tests/router/test_patterns.py holds each against its pattern.

Every alternative of a pattern begins with a letter or sign; that a word begins there is asked afterwards. So a search
leaps over whatever nothing begins with.
"""

from __future__ import annotations

import re
from itertools import islice

Flags = int
"""Which marks the words of a text speak of: `Mark.sure` and `Mark.maybe` of each."""


class Mark:
    """A pattern for text in lower case: ignoring case takes three times as long.

    sure, maybe: what `seen` says of a text that holds one of its words: that it is found, where the text is ASCII alone;
    that it is worth trying. pattern: all of it; unsure: what words alone do not say of a text of ASCII.
    """

    __slots__ = ("flags", "pattern", "sure", "unsure")

    def __init__(self, number: int, pattern: str, unsure: str) -> None:
        self.sure = 1 << 2 * number
        self.flags = 3 << 2 * number
        self.pattern = re.compile(pattern)
        self.unsure = re.compile(unsure or "(?!)")

    @property
    def maybe(self) -> Flags:
        """The flag of words that only say that it is worth trying."""
        return self.flags ^ self.sure

    def found(self, text: str, flags: Flags) -> bool:
        """Whether it is in a text of which `seen` says this."""
        if not text.isascii():
            return flags & self.flags != 0 and self.pattern.search(text) is not None
        return flags & self.sure != 0 or (flags & self.flags != 0 and self.unsure.search(text) is not None)


# Between characters of another script an English word stands without spaces: 用python写一个函数. Listed, since a class with
# a range of such characters takes a millisecond or two to compile, and there are hundreds: a second of every start.
_LETTER = "[0-9a-z_ß-öø-ÿ]"
_PLAIN = re.compile(r"(?:[a-z -](?!\?))+")
_BY_WORD: dict[bytes, Flags] = {}
_BY_CHARACTER: dict[str, Flags] = {}
_made_so_far: list[Mark] = []


def _made(sure: str, words: str, english: str, chinese: str, characters: str, bare: str = "") -> Mark:
    """sure: words that are alternatives by themselves. english: the other alternatives between words' ends (" | " stands
    between them), words: without one of which none of these is there. chinese: characters: the same. bare: alternatives
    in ASCII that are not between words' ends."""
    between = [_word(part) for part in english.split(" | ") if part]
    unsure = "|".join([*between, *filter(None, [bare])])
    whole = "|".join([*map(_word, sure.split()), *filter(None, [unsure, chinese])])
    mark = Mark(len(_made_so_far), whole, unsure)
    _made_so_far.append(mark)
    for flag, listed in ((mark.sure, sure), (mark.maybe, words)):
        for word in listed.split():
            _BY_WORD[word.encode()] = _BY_WORD.get(word.encode(), 0) | flag
    for character in characters:
        _BY_CHARACTER[character] = _BY_CHARACTER.get(character, 0) | mark.maybe
    return mark


def _word(alternative: str) -> str:
    """An alternative between words' ends. Whether a word begins there is asked once its plain letters have been found."""
    plain = _PLAIN.match(alternative)
    assert plain is not None, "an alternative begins with a letter"
    return rf"{plain[0]}(?<!{_LETTER}{plain[0]}){alternative[plain.end() :]}(?!{_LETTER})"


TRANSFORM = _made(
    "",
    "translate translating summarise summarize summary paraphrase proofread rewrite rephrase polish extract classify "
    "transcribe reformat grammar spelling tl",
    "translat(?:e|ing) | summari[sz]e | summary of | paraphrase | proofread | rewrite | rephrase | polish | extract | classify | "
    "transcribe | reformat | correct the (?:grammar|spelling) | tl;dr",
    "翻译|译成|译为|总结|概括|摘要|提取|抽取|分类|归类|改写|润色|校对|缩写(?<!的缩写)|扩写|"
    "纠正错别字|病句|整理[成为]|重新表述|换(?:个|一?种)说法|改成.{0,8}(?:说法|语气|口吻)",
    "翻译总概摘提抽分归改润校缩扩纠病整重换",
)
PROOF = _made(
    "prove proof derive theorem lemma disprove",
    "derivation induction show",
    "derivation of | by induction | show that",
    "证明(?<!收入证明)(?<!在职证明)(?<!离职证明)(?<!身份证明)(?<!居住证明)(?<!学历证明)(?<!记录证明)(?!材料|文件|书)|推导|求证|反证|试证(?<!考试证)(?<!面试证)|归纳法|定理",
    "证推求反试归定",
)
PROVE_NOW = re.compile(r"\W*(?:please |请)?(?:prove|derive|show that|证明|求证|推导)")
PLANNING = _made(
    "optimise optimize optimal schedule scheduling constraint constraints tradeoff tradeoffs roadmap itinerary puzzle",
    "trade allocate plan design knaves",
    "trade-?offs? | allocate (?:resources|budgets?|staff) | plan (?:a|an|the|my|our|for) | "
    r"design (?:a|an|the)(?: [\w-]+){0,3} (?:system|architecture|protocol|experiment|schema) | knights? and knaves",
    "最优|优化方案|约束|排班|排课|排程|权衡|统筹|规划(?<!动态规划)(?<!线性规划)|筹划|分配方案|行程安排|路线图|制定(?![了过的]).{0,20}计划|"
    r"设计(?:一[个套种])?[^，。；？！\n]{0,20}(?:系统|架构|协议|方案|实验)|逻辑题|推理题",
    "最优约排权统规筹分行路制设逻推",
)
DIAGNOSIS = _made(
    "debug debugging deadlock deadlocks segfault stacktrace traceback diagnose diagnosis troubleshoot",
    "race root memory stack",
    "race condition | root cause | memory leak | stack ?trace",
    "死锁|根因|调试|排查|故障|内存泄漏|竞态|诊断|这个报错|报错(?:信息|[：:])|堆栈",
    "死根调排故内竞诊这报堆",
)
WHY_BROKEN = _made(
    "",
    "why",
    "",
    "为什么.{0,20}(?:报错|失败|崩溃|卡[住死]|变慢|[这那]么慢|宕机)",
    "为",
    rf"why(?<!{_LETTER}why) (?:does|is|do|are|did) (?:my|this|the|our) .{{0,60}}(?:fail|crash|hang|slow|wrong|error|break)\w*\b",
)
_A_PROGRAM = r"(?:a|an|the|this)[\w ]{0,20} ?(?:function|class|script|program|query|method|parser)"
CODE = _made(
    "python javascript typescript java rust golang sql bash regex html css algorithm",
    "unit write implement refactor c",
    f"unit tests? | write {_A_PROGRAM} | implement {_A_PROGRAM} | refactor {_A_PROGRAM}",
    "代码|函[数式]|脚本|程[序式](?<!方程式)|正则|算法|写个?接口|编程|重构(?:这|该|一下|下面|代码|函)|单元测试",
    "`代函脚程正算写编重单",
    rf"```|c(?<!{_LETTER}c)\+\+",
)
_SOMETHING = "(?:me )?(?:a|an|the|my|some)"
WRITING = _made(
    "essay poem haiku slogan",
    "write draft compose cover blog story",
    f"write {_SOMETHING} | draft {_SOMETHING} | compose {_SOMETHING} | cover letter | blog post | story about",
    r"写一?[篇封首段个份句则]|作文|文案|诗歌?|起草|撰写|邮件|演讲稿|周报|标语|广告[语词]",
    "写作文诗起撰邮演周标广",
)
WORKED = _made(
    "calculate compute solve",
    "many much long far old fast total sum average probability area volume ratio difference remainder value rate percent "
    "percentage number",
    "how (?:many|much|long|far|old|fast) | "
    "what is the (?:total|sum|average|probability|area|volume|ratio|difference|remainder|value) | "
    "at this rate | what percent(?:age)? | find the (?:value|number|sum|area|probability)",
    "多少|几[个只天次人元块小岁倍名位张颗枚台件套条本支页杯瓶盒箱间道题段辆棵头米公升斤秒周年种排层刀趟艘]|多(?<![许很更太众诸]多)[久远长大高快重宽深](?!学|型|家|数|部|量|中|期|级|度)|"
    "求(?<![要请需追寻征恳]求)[^助救职]|计算|解方程|概率|平均|总共|一共|还剩|几点",
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
    "times as | more than | less than",
    "￥|每|倍|分之|一半|剩下|比.{1,12}[多少]",
    "$%￥每倍分一剩比",
    r"\$|%",
)
# Amounts in Chinese numerals: before a measure, and shares. "One" by itself is mostly the article; 第二, 周三 are no amounts.
_NUMERALS = (
    "(?:[二两三四五六七八九十百千半]|一(?=[二三四五六七八九十百千万亿]))(?<![第周期][二三四五六七八九十])"
    "[一二三四五六七八九十百千万亿零]{0,8}"
    "(?=[个只元块天小分公米斤人次倍本支箱条岁份辆张名位颗枚台件套间层排盘杯瓶盒袋包棵朵头匹双对页章题道句篇段组批班秒度升克吨千厘毫里平立亩角毛座户家栋把根片笔种类项轮场门口艘架周年折成])"
    "|一半|百分之[一二两三四五六七八九十]|[一二两三四五六七八九十]{1,4}分之[一二两三四五六七八九十]|一成"
)
QUANTITY = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|half|twice|thirds?)\b|"
    f"{_NUMERALS}"
)
BARE_SUM = re.compile(
    r"\W*(?:请?(?:计算|问|算一下))?\W*[\d.]+ *(?:加上?|减去?|乘以?|除以|[-+*/×÷]) *[\d.]+ *(?:等于|是|得|=)?(?:多少|几)?\W*$"
)
STEPS = _made(
    "rigorous rigorously",
    "step carefully hard deeply detail",
    "step[- ]by[- ]step | reason(?:ing)? carefully | think (?:hard|carefully|deeply) | in detail why",
    "一步一?步|逐步|分步|仔细思考|深入分析|严格论证|详细推理",
    "一逐分仔深严详",
)
LIMITS = _made(
    "",
    "must least most than exactly using only unless subject such",
    "must(?: not)? | at (?:least|most) | no more than | no fewer than | exactly | without using | only if | unless | "
    "subject to | if and only if | such that",
    "必须|不得|至少|至多|最多(?!的)|不超过|不[少多]于|恰好|刚好|除非|当且仅当|使得|不能使用|只能|约束条件",
    "必不至最恰刚除当使只约",
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
    "lock-free | thread[- ]safe | dynamic programming | np-hard | shortest path",
    "并发|线程安全|分布式|动态规划|编译器|一致性|回溯|最短路|时间复杂度",
    "并线分动编一回最时",
    rf"o(?<!{_LETTER}o)\(.{{1,8}}\)",
)
CHAT = _made(
    "",
    "hi hello hey thanks thank good bye ok okay great cool nice how who what lol",
    "",
    "",
    "你您谢多非感早下晚再拜好哈嗨嘿是在辛",
    r"^\W*(?:hi|hello|hey|thanks?|thank you|good (?:morning|evening|night|afternoon)|bye|ok(?:ay)?|great|cool|nice|"
    r"how are you|who are you|what(?:'s| is) your name|lol|(?:你好|您好|谢谢|多谢|(?:非常)?感谢|早上好|早安|下午好|晚上好|晚安|再见|拜拜|好的|哈哈|嗨|嘿|你是谁|在吗|辛苦了)[你您了啊呀啦哦吧呢]{0,2})\b",
)
FOLLOW_UP = re.compile(
    r"^\W*(?:why(?: (?:is|so|not|is that))?|how(?: so| come)?|and then|then what|go on|continue|more|explain(?: (?:more|that|this|it))?|are you sure|"
    r"really|try again|check (?:it|that|again)|what about .{1,40}|next(?: step)?|为什么(?:会?这样|会?这么说)?[呢啊呀]?|为何|为啥|怎么(?:得|来|算)(?:出来)?的?|继续(?:写|说|讲|做)?吧?|接着(?:说|写|做|讲)?|然后呢?|"
    r"再(?:想想|算一[遍次]|试一[次遍]|检查一[下遍次])|重新(?:算|来|检查)一?[下遍次]?|你确定吗?|确定吗|真的吗|详细(?:说说|一点|点)|"
    r"再?多(?:讲|说)(?:一?点|一?些)|解释一下[这它]?个?|下一步|展开(?:讲讲|说说)?|那.{1,16}呢|"
    # What about that? Neither a question with a word of its own, nor one with other figures, which is asked within the one before.
    r"(?:[\u4e00-\u9fff a-z](?<![什怎何哪谁几多吗啥嘛是能会有没如若])){1,10}呢)\W*$",
)

_FEWEST_NUMBERS = 2
_NUMBER_WORDS = frozenset(b"two three four five six seven eight nine ten twelve twenty half twice third thirds".split())
_WORDS = frozenset(_BY_WORD)
_CHARACTERS = frozenset(_BY_CHARACTER)
_SIGNS = frozenset(filter(str.isascii, _BY_CHARACTER))
# Words are what \w matches.
_TO_WORDS = bytes(code if chr(code).isalnum() or code == ord("_") else ord(" ") for code in range(128)) + b" " * 128
_NOT_DIGITS = bytes(code for code in range(256) if not ord("0") <= code <= ord("9"))


def seen(text: str) -> Flags:
    """What the words, characters and signs of a text in lower case speak of."""
    flags, plain = 0, text.isascii()
    for word in _WORDS.intersection(text.encode().translate(_TO_WORDS).split() if plain else words_of(text)):
        flags |= _BY_WORD[word]
    if not plain:
        for character in _CHARACTERS.intersection(text):
            flags |= _BY_CHARACTER[character]
    elif "$" in text or "%" in text or "`" in text or "\\" in text:
        for character in _SIGNS.intersection(text):
            flags |= _BY_CHARACTER[character]
    return flags


def words_of(text: str) -> list[bytes]:
    """What `\\w+` finds in a text of ASCII; in any other the same, with every other character as a gap."""
    return text.encode("ascii", "replace").translate(_TO_WORDS).split()


def several_numbers(text: str) -> bool:
    """Whether a text in lower case holds two quantities at the least."""
    if text.isascii():  # a search costs more than counting what quantities are made of
        made_of = len(text.encode().translate(None, _NOT_DIGITS))
        if (
            made_of < _FEWEST_NUMBERS
            and made_of + sum(map(_NUMBER_WORDS.__contains__, words_of(text))) < _FEWEST_NUMBERS
        ):
            return False
    return len(list(islice(QUANTITY.finditer(text), _FEWEST_NUMBERS))) == _FEWEST_NUMBERS
