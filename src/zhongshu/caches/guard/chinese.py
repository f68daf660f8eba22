"""Reads a Chinese question: what is asked for, what is denied, and what is left of it without form words.

There is no dictionary to segment by: known phrases are taken from the text, the longest first; every character that
is left counts as a word of its own, and so does a name.
"""

from __future__ import annotations

from zhongshu.caches.guard import english
from zhongshu.caches.guard.numbers import CHINESE
from zhongshu.caches.guard.reading import Reading, listed

# phrase -> what is asked for
_KINDS = {
    "how": "怎么 怎样 如何 怎么样 怎么办 咋 咋样 怎么才能 怎样才能 如何才能 怎么做 如何做 该怎么 应该怎么 应该如何 该如何 的方法 "
    "的方法有哪些 的办法 的步骤 的方式 有什么办法 有什么方法 有哪些方法 什么方法 什么办法 哪些步骤 方法是什么 步骤是什么 怎么去 怎么操作 如何操作",
    "why": "为什么 为何 为啥 怎么会 什么原因 是什么原因 的原因 原因是什么 何以 怎么回事 干嘛",
    "when": "什么时候 何时 哪天 几时 什么时间 啥时候 几点 哪一年 哪年 什么年份 几月",
    "where": "哪里 哪儿 在哪 何处 什么地方 在哪里 在哪儿 哪个地方 啥地方",
    "who": "谁 哪位 什么人 是谁 何人",
    "how many": "多少 几个 几次 多少个 多少次 有几 几种 几",
    "how much money": "多少钱 要多少钱 需要多少钱 价格是多少 价钱是多少 费用是多少 什么价 什么价格 怎么卖",
    "how long": "多久 多长时间 多长",
    "how far": "多远",
    "how tall": "多高",
    "how big": "多大",
    "how heavy": "多重",
    "how fast": "多快",
    "yes or no": "吗 是否 是不是 能不能 可不可以 会不会 有没有 要不要 好不好 该不该 行不行 可以吗 能否 可否 需不需要 对不对 算不算",
    "": "什么 什么是 是什么 哪些 哪个 有哪些 什么样 啥 是啥 啥是 哪种 哪一个 分别是什么 什么意思 是什么意思 指什么 指的是什么 "
    "的含义 的定义 的概念 代表什么 表示什么 叫什么 什么叫 介绍 介绍一下 解释 解释一下 说明 说明一下 讲讲 讲一下 说说 说一下 简述 简介 简单介绍 谈谈",
}
_FORM = listed(
    "请问 请 麻烦 帮我 帮忙 告诉我 给我 我想知道 我想问 想问 想知道 想问一下 问一下 一下 我想 我要 我 我的 你 您 你好 您好 大家好 们 "
    "的 了 呢 啊 呀 吧 嘛 着 地 得 是 有 在 个 这 那 这个 那个 这些 那些 就 都 也 还 才 又 很 非常 应该 应当 该 可以 能 能够 会 要 需要 "
    "想 想要 做 进行 实现 使用 用 用来 关于 对于 对 于 之 其 所 以 而 且 和 与 跟 及 并 把 将 让 给 从 到 为 如果 的话 "
    "东西 事情 情况 问题是 具体 详细 通常 一般 一般来说 到底 究竟 现在 目前 当前 "
    "怎 样 么 才能 教我 求 求助 求教 谢谢 多谢 一 一个 一种 一些 某个 人们 来说 一份 一篇 请你 能告诉我 你能"
)
_DENIED = listed("不 没 没有 无 无法 未 非 别 不要 不能 不会 不可 不用 不是 不需要 除了 勿 莫 否 免")
# Not denials, whatever stands in them.
_SETTLED = listed(
    "不同 不过 不错 不少 不断 不仅 不但 不久 不得了 差不多 对不起 非常 非洲 无线 无人机 无锡 无论 未来 未必 别人 别的 特别 别墅 "
    "区别 类别 级别 识别 性别 分别 南非 是非 不锈钢 不丹 不动产 不等式 非线性 无穷 无限 无花果 没收 免费 避免 未知 非遗 否则 "
    "万 万里长城 一带一路 三国 三国演义 三星 三亚 四川 九寨沟 五四 一氧化碳 二氧化碳 二战 一战 百度 千米 千克 百分 第一次世界大战 "
    "第二次世界大战 三体 六西格玛 十字 二叉树 二维码 二手 一次性 一线 二线 三角形 三角函数 四舍五入 九江 六安 三峡 两岸 "
    "地球 地铁 地方 地址 地区 地图 地板 会议 会员 会计 能源 能量 要求 用户 用品 用电 在线 在职 得分 以太 和平 对象 对话 对比 着陆 着装 "
    "目的 的士 有限 有机 有效 个人 个税 来源 去年 去世 做饭 将军 将来 到期 到达 从业 从事 所得 所有 了解 给排水 人才 就业 就职 都市 首都 "
    "于是 很多 也门 是非 应用 应收 应付 需求 想法 使用说明 用途 来电 地理 地震 地面 现场 方向 方案 步枪 方程"
)
_DIRECTED = frozenset(
    listed(
        "从 到 比 换成 转成 转换 转为 变成 翻译 给 超过 之前 之后 以前 以后 转 换算 导致 造成 引起 影响 等于 属于 高于 低于 大于 小于 多于 少于 早于 晚于"
    )
)
_SAME = (
    "更改 修改 变更 改 改变 更换",
    "删除 删掉 去掉 移除 删",
    "创建 新建 建立",
    "安装 装",
    "购买 买",
    "开始 启动",
    "结束 终止",
    "打开 开启",
    "关闭 关掉 关上",
    "查看 看到",
    "查询 查",
    "重置 重设",
    "忘记 忘 忘掉 遗忘",
    "手机 移动电话",
    "电脑 计算机",
    "图片 照片 图像 相片",
    "费用 价格 价钱",
    "区别 差别 不同 差异 不同之处 不同点 有何不同",
    "优点 好处 长处 优势",
    "缺点 坏处 短处 劣势",
    "作用 用处 用途 功能",
    "错误 报错 出错 故障",
    "解决 修复",
    "提高 提升 增强",
    "降低 减少 减小",
    "症状 表现 征兆 迹象",
    "治疗 医治 治",
    "流感 流行性感冒",
    "感冒 伤风",
    "孩子 小孩 儿童",
    "医生 大夫",
    "首都 京城",
    "作者 写的 谁写 著",
    "发明 发明者 发明人",
    "人口 居民数",
    "高度 高",
    "文件夹 目录",
    "账号 账户 帐号 帐户",
    "登录 登陆",
    "修理 修 维修 修好",
    "含有 含 里有 里面有 中有 包含",
    "减肥 瘦身",
    "密码 口令",
    "退款 退钱",
    "快递 包裹",
    "办理 申请",
    "西红柿 番茄",
    "土豆 马铃薯",
    "自行车 单车",
    "飞机票 机票",
    "火车票 车票",
    "缓解 减轻",
    "导致 造成 引起",
    "保存 存储 储存",
    "提取 抽取",
    "取消 撤销",
)
_BEFORE = ("", "是", "该", "应该", "要", "在")
_NOUNS = ("办理", "办公", "办证", "办卡", "做法", "做饭")
_INSIDE = "里上中内"
_MINE = frozenset(listed("我 我的"))
_YOURS = frozenset(listed("你 您"))
_ABLE = frozenset(listed("能 能够 可以 能不能 可不可以 能否 可否 可以吗 行不行 不能 无法"))
_OUGHT = frozenset(listed("要 需要 应该 应当 该 该不该 要不要 需不需要 不需要 不用 不要"))
_TABLE: dict[str, tuple[str, str]] = {
    **dict.fromkeys(_FORM, ("form", "")),
    **dict.fromkeys(_DENIED, ("denied", "")),
    **{word: ("word", word) for word in _SETTLED},
    **{word: ("word", group.split()[0]) for group in _SAME for word in group.split()},
    **{
        f"{before}{word}": ("kind", kind)
        for kind, words in _KINDS.items()
        for word in words.split()
        for before in _BEFORE
    },
}
_LONGEST = max(map(len, _TABLE))
# When several are asked for, the more particular one counts.
_RANK = (
    "why", "when", "where", "who", "whom", "how much money", "how many", "how long", "how far", "how tall", "how big",
    "how heavy", "how fast", "how", "yes or no", "",
)  # fmt: skip


def read(pieces: list[str]) -> Reading:
    """Read the pieces of a question, which may hold Latin words."""
    words: list[str] = []
    kinds: list[str] = []
    seen: set[str] = set()
    denied = 0
    for at, piece in enumerate(pieces):
        if not "\u3400" <= piece[0] <= "\u9fff":
            words += [word for word in english.read([piece]).words if word]
            continue
        inside = at and pieces[at - 1][0].isascii() and piece[0] in _INSIDE  # "在 Mac 上" is "在 Mac"
        for taken, what, word in _parts(piece[1:] if inside else piece):
            seen.add(taken)
            if what == "kind":
                kinds.append("whom" if taken == "谁" and piece.endswith("谁") else word)
            elif what == "denied":
                denied += 1
            elif what == "word":
                words.append(word)
    kind = min(kinds, key=_RANK.index) if kinds else ""
    persons = {"I" for word in seen if word in _MINE} | {"you" for word in seen if word in _YOURS}
    asked = _modal(seen) if kind == "yes or no" else kind
    return Reading(asked, denied, words, bool(seen & _DIRECTED), frozenset(persons))


def _modal(seen: set[str]) -> str:
    """Whether something is so, can be, or should be."""
    if seen & _ABLE:
        return "can it be"
    return "should it be" if seen & _OUGHT else "is it so"


def _parts(run: str) -> list[tuple[str, str, str]]:
    """A run of characters as known phrases, numbers and single characters: each as it stands, what it is, and its
    form."""
    parts: list[tuple[str, str, str]] = []
    at = 0
    while at < len(run):
        for length in range(min(_LONGEST, len(run) - at), 0, -1):
            known = _TABLE.get(run[at : at + length])
            if length > 1 and run.startswith(_NOUNS, at + length - 1):
                continue  # "怎么办理" is "怎么" and "办理"
            if known and not (length == 1 and run[at] in CHINESE):
                parts.append((run[at : at + length], *known))
                break
        else:
            length = 1
            if run[at] in CHINESE:
                while at + length < len(run) and run[at + length] in CHINESE:
                    length += 1
            parts.append((run[at : at + length], "word", run[at : at + length]))
        at += length
    return parts
