"""The rules of `zhongshu.router.task` spelled out: every pattern tried on every text. Slow, and easy to see through; the
rules in use must say the same of any text."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from zhongshu.router import chinese
from zhongshu.router.difficulty import reading

Task = Literal[
    "chat", "lookup", "transform", "writing", "code", "mathematics", "proof", "planning", "diagnosis", "choice"
]

_HEAD, _TAIL = 1000, 400
_NEAR_HEAD, _NEAR_TAIL = 240, 160
_SHORT = 60
_SPACES = re.compile(r"\s{4,}")


# Chinese, Japanese and Korean are written without spaces, also about an English word.
_LETTER = "[0-9a-z_ß-öø-ÿ]"
_BEGIN, _END = f"(?<!{_LETTER})", f"(?!{_LETTER})"


def _mark(english: str, chinese: str) -> re.Pattern[str]:
    """A pattern for text in lower case: ignoring case takes three times as long."""
    return re.compile(rf"{_BEGIN}(?:{english}){_END}|{chinese}")


_TRANSFORM = _mark(
    r"translat(?:e|ing)|summari[sz]e|summary of|paraphrase|proofread|rewrite|rephrase|polish|extract|classify|"
    r"transcribe|reformat|correct the (?:grammar|spelling)|tl;dr",
    "翻译|译成|译为|总结|概括|摘要|提取|抽取|分类|归类|改写|润色|校对|缩写(?<!的缩写)|扩写|纠正错别字|病句|"
    "整理[成为]|重新表述|换(?:个|一?种)说法|改成.{0,8}(?:说法|语气|口吻)",
)
_PROOF = _mark(
    r"prove|proof|derive|derivation of|theorem|lemma|disprove|by induction|show that",
    "证明(?<!收入证明)(?<!在职证明)(?<!离职证明)(?<!身份证明)(?<!居住证明)(?<!学历证明)(?<!记录证明)(?!材料|文件|书)|推导|求证|反证|试证(?<!考试证)(?<!面试证)|归纳法|定理",
)
_PROVE_NOW = re.compile(r"\W*(?:please |请)?(?:prove|derive|show that|证明|求证|推导)")
_PLANNING = _mark(
    r"optimi[sz]e|optimal|schedul(?:e|ing)|constraints?|trade-?offs?|allocate (?:resources|budgets?|staff)|roadmap|itinerary|"
    r"plan (?:a|an|the|my|our|for)|design (?:a|an|the)(?: [\w-]+){0,3} (?:system|architecture|protocol|experiment|schema)|"
    r"knights? and knaves|logic puzzle|puzzle",
    "最优|优化方案|约束|排班|排课|排程|权衡|统筹|规划(?<!动态规划)(?<!线性规划)|筹划|分配方案|行程安排|路线图|制定(?![了过的]).{0,20}计划|"
    r"设计(?:一[个套种])?[^，。；？！\n]{0,20}(?:系统|架构|协议|方案|实验)|逻辑题|推理题",
)
_DIAGNOSIS = _mark(
    r"debug(?:ging)?|race condition|deadlocks?|root cause|memory leak|segfault|stack ?trace|traceback|"
    r"why (?:does|is|do|are|did) (?:my|this|the|our) .{0,60}(?:fail|crash|hang|slow|wrong|error|break)\w*|"
    r"diagnos(?:e|is)|troubleshoot",
    "死锁|根因|调试|排查|故障|内存泄漏|竞态|为什么.{0,20}(?:报错|失败|崩溃|卡[住死]|变慢|[这那]么慢|宕机)|诊断|这个报错|报错(?:信息|[：:])|堆栈",
)
_CODE = re.compile(
    rf"```|{_BEGIN}(?:python|javascript|typescript|java|rust|golang|sql|bash|regex|html|css|algorithm|unit tests?|"
    rf"(?:write|implement|refactor) (?:a|an|the|this)[\w ]{{0,20}} ?(?:function|class|script|program|query|method|parser)){_END}"
    rf"|{_BEGIN}c\+\+|代码|函[数式]|脚本|程[序式](?<!方程式)|正则|算法|写个?接口|编程|重构(?:这|该|一下|下面|代码|函)|单元测试",
)
_WRITING = _mark(
    r"(?:write|draft|compose) (?:me )?(?:a|an|the|my|some)|essay|poem|haiku|slogan|cover letter|blog post|story about",
    r"写一?[篇封首段个份句则]|作文|文案|诗歌?|起草|撰写|邮件|演讲稿|周报|标语|广告[语词]",
)
_CHAT = re.compile(
    r"^\W*(?:hi|hello|hey|thanks?|thank you|good (?:morning|evening|night|afternoon)|bye|ok(?:ay)?|great|cool|nice|"
    r"how are you|who are you|what(?:'s| is) your name|lol|(?:你好|您好|谢谢|多谢|(?:非常)?感谢|早上好|早安|下午好|晚上好|晚安|再见|拜拜|好的|哈哈|嗨|嘿|你是谁|在吗|辛苦了)"
    r"[你您了啊呀啦哦吧呢]{0,2})\b",
)
_WORKED = _mark(
    r"how (?:many|much|long|far|old|fast)|what is the (?:total|sum|average|probability|area|volume|ratio|difference|"
    r"remainder|value)|calculate|compute|solve|at this rate|what percent(?:age)?|find the (?:value|number|sum|area|"
    r"probability)",
    "多少|几[个只天次人元块小岁倍名位张颗枚台件套条本支页杯瓶盒箱间道题段辆棵头米公升斤秒周年种排层刀趟艘]|多(?<![许很更太众诸]多)[久远长大高快重宽深](?!学|型|家|数|部|量|中|期|级|度)|"
    "求(?<![要请需追寻征恳]求)[^助救职]|计算|解方程|概率|平均|总共|一共|还剩|几点",
)
_FORMULA = _mark(
    r"integral|derivative|eigenvalues?|equations?|inequality|modulo|polynomial|differentiate|integrate|matrix|"
    r"combinatorics",
    r"积分|导数|求导|方程|不等式|矩阵|数列|同余|多项式|\\frac|\\int|\\sum",
)
_BARE_SUM = re.compile(
    r"\W*(?:请?(?:计算|问|算一下))?\W*[\d.]+ *(?:加上?|减去?|乘以?|除以|[-+*/×÷]) *[\d.]+ *(?:等于|是|得|=)?(?:多少|几)?\W*$"
)
_RELATED = _mark(
    r"each|every|per|twice|half|thirds?|times as|percent|more than|less than|fewer|remaining|altogether|speed",
    r"[$%￥]|每|倍|分之|一半|剩下|比.{1,12}[多少]",
)
_NUMERALS = (
    "(?:[二两三四五六七八九十百千半]|一(?=[二三四五六七八九十百千万亿]))(?<![第周期][二三四五六七八九十])"
    "[一二三四五六七八九十百千万亿零]{0,8}"
    "(?=[个只元块天小分公米斤人次倍本支箱条岁份辆张名位颗枚台件套间层排盘杯瓶盒袋包棵朵头匹双对页章题道句篇段组批班秒度升克吨千厘毫里平立亩角毛座户家栋把根片笔种类项轮场门口艘架周年折成])"
    "|一半|百分之[一二两三四五六七八九十]|[一二两三四五六七八九十]{1,4}分之[一二两三四五六七八九十]|一成"
)
_QUANTITY = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|half|twice|thirds?)\b|"
    + _NUMERALS
)

# Marks that a task is harder than others of its kind: name in both languages, and what it adds (log odds).
_STEPS = _mark(
    r"step[- ]by[- ]step|reason(?:ing)? carefully|think (?:hard|carefully|deeply)|rigorous(?:ly)?|in detail why",
    "一步一?步|逐步|分步|仔细思考|深入分析|严格论证|详细推理",
)
_LIMITS = _mark(
    r"must(?: not)?|at (?:least|most)|no more than|no fewer than|exactly|without using|only if|unless|subject to|"
    r"if and only if|such that",
    "必须|不得|至少|至多|最多(?!的)|不超过|不[少多]于|恰好|刚好|除非|当且仅当|使得|不能使用|只能|约束条件",
)
_WEIGHED = _mark(
    r"why|compare|analy[sz]e|evaluate|explain how|consequences|implications", "为什么|比较|分析|评估|影响|利弊"
)
_DEEP_CODE = _mark(
    r"concurren(?:t|cy)|lock-free|thread[- ]safe|distributed|dynamic programming|np-hard|compiler|"
    r"consensus|backtracking|shortest path|invariant",
    rf"{_BEGIN}o\(.{{1,8}}\)|并发|线程安全|分布式|动态规划|编译器|一致性|回溯|最短路|时间复杂度",
)

_FOLLOW_UP = re.compile(
    r"^\W*(?:why(?: (?:is|so|not|is that))?|how(?: so| come)?|and then|then what|go on|continue|more|explain(?: (?:more|that|this|it))?|are you sure|"
    r"really|try again|check (?:it|that|again)|what about .{1,40}|next(?: step)?|为什么(?:会?这样|会?这么说)?[呢啊呀]?|为何|为啥|怎么(?:得|来|算)(?:出来)?的?|继续(?:写|说|讲|做)?吧?|接着(?:说|写|做|讲)?|然后呢?|"
    r"再(?:想想|算一[遍次]|试一[次遍]|检查一[下遍次])|重新(?:算|来|检查)一?[下遍次]?|你确定吗?|确定吗|真的吗|详细(?:说说|一点|点)|"
    r"再?多(?:讲|说)(?:一?点|一?些)|解释一下[这它]?个?|下一步|展开(?:讲讲|说说)?|那.{1,16}呢|"
    # What about that? Neither a question with a word of its own, nor one with other figures, which is asked within the one before.
    r"(?:[\u4e00-\u9fff a-z](?<![什怎何哪谁几多吗啥嘛是能会有没如若])){1,10}呢)\W*$",
)


class Marked(NamedTuple):
    """What was read off a text. text: the part that was read. marks: names of what makes it harder, in both languages,
    each with what it adds to the log odds that a general model is wrong."""

    task: Task
    text: str
    marks: tuple[tuple[str, str, float], ...] = ()


def part_read(text: str) -> str:
    """The part of a text that is read: its beginning and its end, long gaps closed. At most 1,401 characters."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    return _SPACES.sub("\n", text).strip()


def is_follow_up(text: str) -> bool:
    """Whether this only goes on from what was said before: "why?", "继续"."""
    text = text.strip()
    return len(text) <= _SHORT and _FOLLOW_UP.match(chinese.plain(text.lower())) is not None


def mark(text: str) -> Marked:
    """The kind of task, and what makes it harder than others of its kind."""
    text = chinese.plain(part_read(text))
    low = text.lower()
    task = "choice" if _is_choice(text, low) else _task(low)
    return Marked(task, text, () if task in ("chat", "transform", "choice") else _marks(low, task))


def _task(text: str) -> Task:
    hard = _hard(text)
    if _is_transform(text):
        return "transform"
    if hard is not None:
        return hard
    if _is_worked(text):
        return "mathematics"
    if _CODE.search(text) or _DEEP_CODE.search(text):
        return "code"
    if _WRITING.search(text):
        return "writing"
    return "chat" if _CHAT.match(text) and chinese.length(text) <= _SHORT else "lookup"


def _is_choice(text: str, low: str) -> bool:
    """Options to choose from, and no other work to be done with them."""
    return reading.parts(f"\n{text}").is_choice and not _is_transform(low) and _hard(low) is None


def _is_transform(text: str) -> bool:
    """An instruction to work on a text stands at either end; one that is set to work at once ("Prove that ...") is
    none, whatever follows."""
    if _PROVE_NOW.match(text):
        return False
    if _TRANSFORM.search(text, 0, _NEAR_HEAD):
        return True
    return len(text) > _NEAR_HEAD and _TRANSFORM.search(text, max(0, len(text) - _NEAR_TAIL)) is not None


def _hard(text: str) -> Task | None:
    if _PROOF.search(text):
        return "proof"
    if _DIAGNOSIS.search(text):
        return "diagnosis"
    return "planning" if _PLANNING.search(text) else None


def _is_worked(text: str) -> bool:
    """Numbers and a question about them, or words of mathematics. A sum that is asked for bare is a look-up."""
    quantities = len(_QUANTITY.findall(text))
    if _FORMULA.search(text):
        return True
    if quantities < 2 or _BARE_SUM.match(text):
        return False
    return bool(_WORKED.search(text)) or (("?" in text or "？" in text) and bool(_RELATED.search(text)))


def _marks(text: str, task: Task) -> tuple[tuple[str, str, float], ...]:
    found: list[tuple[str, str, float]] = []
    if _STEPS.search(text):
        found.append(("step-by-step work", "要求分步", 1.5))
    limits = min(4, len(_LIMITS.findall(text)))
    if limits >= 2:
        found.append((f"{limits} conditions", f"{limits} 个条件", 0.35 * limits))
    if text.count("?") + text.count("？") >= 3:
        found.append(("several questions", "多个问题", 0.4))
    if _WEIGHED.search(text) and task in ("lookup", "writing", "code"):
        found.append(("weighing or reasons", "要求分析或理由", 0.4))
    if task == "code" and _DEEP_CODE.search(text):
        found.append(("intricate code", "复杂代码", 1.4))
    return tuple(found)
