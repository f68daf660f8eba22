"""Chinese as people write it is seen as its English counterpart is: forms of writing, numerals, options, kinds, follow-ups."""

import pytest

from zhongshu.core.turns import Message, Turn
from zhongshu.router import chinese
from zhongshu.router.conversation import asks_amount, continues
from zhongshu.router.difficulty import reading
from zhongshu.router.difficulty.glossing import glossary, glossed
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import load
from zhongshu.router.estimate import hardness, hardness_of
from zhongshu.router.patterns import several_numbers
from zhongshu.router.task import is_follow_up, mark


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("證明這個數列收斂", "证明这个数列收敛"),
        ("（Ａ）１２０％", "(A)120%"),
        ("已经是简体，不动。", "已经是简体，不动。"),
        ("naïve café — “quoted” ½", "naïve café — “quoted” ½"),
        ("plain", "plain"),
    ],
)
def test_what_is_written_otherwise_becomes_what_patterns_know(written, known):
    assert chinese.plain(written) == known
    assert len(known) == len(written)


@pytest.mark.parametrize(
    ("numeral", "number"),
    [
        ("三百二十", 320), ("四十五", 45), ("十二", 12), ("一千零五", 1005), ("八十万", 800_000), ("两亿", 200_000_000),
        ("一万二千", 12_000), ("二十", 20), ("百", None), ("千万", None), ("万一", None), ("二三", None), ("万", None),
    ],
)  # fmt: skip
def test_a_numeral_is_its_number(numeral, number):
    assert chinese.value(numeral) == number


def test_numerals_above_ten_count_as_numbers_as_digits_do():
    written, digits = "买了三百二十张，又买四十五张", "买了320张，又买45张"
    numbers = reading.NAMES.index("numbers")
    assert reading.read(reading.parts(written))[numbers] == reading.read(reading.parts(digits))[numbers]
    assert chinese.numerals("他千万别来，万一下雨，三个人十分失望") == []


@pytest.mark.parametrize(
    "text",
    [
        "下列哪个是首都？\nA. 甲\nB. 乙\nC. 丙\nD. 丁",
        "下列哪个是首都？\nA、甲\nB、乙\nC、丙\nD、丁",
        "下列哪個是首都？\n（A）甲\n（B）乙\n（C）丙\n（D）丁",
        "下列哪个是首都？（A）甲（B）乙（C）丙（D）丁",
        "下列哪个是首都？\nＡ．甲\nＢ．乙\nＣ．丙\nＤ．丁",
        "下列哪个是首都？A：甲 B：乙 C：丙 D：丁",
        "下列哪个是首都 A 甲 B 乙 C 丙 D 丁",
        "下列哪个是首都？A.甲B.乙C.丙D.丁",
        "下列哪个是首都？①甲②乙③丙④丁",
    ],
)
def test_options_are_seen_however_they_are_marked(text):
    found = reading.parts(text)
    assert found.options == ["甲", "乙", "丙", "丁"]
    assert found.stem.rstrip("？") in ("下列哪个是首都", "下列哪個是首都")
    assert mark(text).task == "choice"


@pytest.mark.parametrize(
    "text",
    [
        "维生素A、B、C哪个最重要？",
        "从A、B、C、D四个城市里选一个",
        "A 和 B 两队比赛，谁赢了？",
        "“A. one B. two C. three” – what is this?",
    ],
)
def test_letters_in_a_sentence_are_no_options(text):
    assert mark(text).task != "choice"


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("GDP是什么的缩写？", "lookup"), ("對這句話做情感分類：我等了三個小時。", "transform"), ("用简单的话重新表述：光合作用", "transform"),
        ("設f在[0,1]上連續，試證f有界。", "proof"), ("收入证明怎么开？", "lookup"), ("证明根号2是无理数。", "proof"),
        ("幫我籌劃一場婚禮", "planning"), ("设计一个每秒处理100万条消息的系统。", "planning"), ("用动态规划解背包问题", "code"),
        ("制定一份六个月的复习计划", "planning"), ("我遇到这个报错：KeyError", "diagnosis"), ("App為什麼會崩潰？", "diagnosis"),
        ("重构这个类", "code"), ("給咖啡店寫一句廣告標語", "writing"), ("你是谁呀", "chat"), ("非常感谢！", "chat"), ("嗨，在嗎", "chat"),
        ("你好像没有回答我的问题", "lookup"), ("347加586等于多少？", "lookup"), ("我要求赔偿，公司6年没给2次奖金", "lookup"),
        ("小林有三百二十张邮票，给了弟弟一半，还有多少张？", "mathematics"), ("解方程 3x + 7 = 25", "mathematics"), ("考试证书怎么查？", "lookup"), ("离职证明怎么写", "lookup"), ("中国什么时候制定了第一个五年计划？", "lookup"),
        ("国际秩序重构意味着什么", "lookup"), ("python运行报错怎么办", "code"), ("报错信息：KeyError", "diagnosis"), ("用python做情感分析", "code"),
        ("GDP总量最多的国家是哪个", "lookup"), ("要求列出三本书", "lookup"),
        ("水果卖了四成，还剩90公斤，原来有多少？", "mathematics"), ("爺爺72歲，是孫女的6倍，孫女幾歲？", "mathematics"),
    ],
)  # fmt: skip
def test_the_kind_of_a_chinese_task(text, task):
    assert mark(text).task == task


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("一半给了弟弟，又买四十五张", True), ("百分之三十和三成", True), ("三分之二骑车，四分之一坐车", True), ("两年零6个月", True),
        ("一个人写了一封信", False), ("第二天和周三", False), ("一张桌子", False),
    ],
)  # fmt: skip
def test_amounts_in_numerals(text, several):
    assert several_numbers(text) is several


@pytest.mark.parametrize(
    "text",
    [
        "为什么呢？",
        "巴西呢？",
        "继续写",
        "怎么算的？",
        "重新算一下",
        "再检查一遍",
        "那第二天呢？",
        "詳細說說",
        "三个人的話呢？",
    ],
)
def test_what_only_goes_on(text):
    assert is_follow_up(text)


@pytest.mark.parametrize(
    "text", ["天空为什么是蓝色的呢？", "现在几点了呢", "如果每分钟进30升呢？", "18%呢？", "你吃饭了吗"]
)
def test_what_does_not_only_go_on(text):
    assert not is_follow_up(text)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("18%呢？", True), ("那12个月之后呢", True), ("要是上来35个人呢？", True), ("換成5間教室", True), ("如果改成3个人，还剩几个？", True),
        ("如果我每个月往基金里投500元，年收益6%，20年后会有多少钱？", False), ("苹果有18种吗？", False), ("巴西的人口是多少？", False),
    ],
)  # fmt: skip
def test_what_is_asked_within_the_question_before(text, joined):
    assert continues(text) is joined


def test_an_amount_is_asked_in_more_ways_than_with_how_many():
    assert all(map(asks_amount, ("北京到上海有多远？", "煮一个鸡蛋要多久", "围栏一共要多少钱？", "幾位客人？")))
    assert not any(map(asks_amount, ("很多大学都放假了", "公司辞退我，我能要求什么赔偿？")))


def test_a_conversation_in_traditional_characters_goes_on_from_what_was_told():
    def hard(*said):
        messages = tuple(Message("user", text) for text in said)
        turn = Turn("t", 1, "chat", "openai.chat", "auto", messages=messages)
        return hardness(turn, Judge(load()))

    simple = hard("我家花园长18米，宽12米。", "围栏每米15元，要60米。", "围栏一共要多少钱？")
    assert (
        simple.task
        == hard("我家花園長18米，寬12米。", "圍欄每米15元，要60米。", "圍欄一共要多少錢？").task
        == "mathematics"
    )
    assert simple.follow_up


def test_length_is_counted_as_the_same_would_be_in_english():
    english = "A train travels at 90 km per hour for 3 hours and then at 60 km per hour for 2 hours. How far does it travel in total?"
    said = "一列火车以每小时90公里的速度行驶3小时，再以每小时60公里的速度行驶2小时，总共行驶多少公里？"
    assert chinese.length(said) == pytest.approx(len(english), rel=0.25)
    judge = Judge(load())
    assert judge.question(said).chance == pytest.approx(judge.question(english).chance, abs=0.05)


@pytest.mark.parametrize(
    ("text", "words", "others"),
    [
        ("胰岛素由哪个器官分泌？", ["insulin", "which", "organ"], 1),
        ("DNA 和细胞核", ["dna", "nucleus"], 0),
        ("康德与黑格尔", ["kant", "hegel"], 0),
        ("霍乱弧菌", [], 2),
        ("", [], 0),
    ],
)
def test_what_chinese_words_stand_for(text, words, others):
    assert glossed(text) == (words, others)


def test_every_line_of_the_glossary_is_an_english_word_and_chinese_ones():
    for chinese_word, english in glossary().items():
        assert 1 <= len(chinese_word) <= 6
        assert all(chinese.HAN.match(sign) for sign in chinese_word), chinese_word
        assert all(word.isascii() and word.isalpha() for word in english), english


def test_what_a_question_is_about_counts_in_chinese_too():
    judge = Judge(load())
    about = {"law": "被告在合同案件中主张受胁迫", "chemistry": "下列关于氢气与氧气反应的说法"}
    said = {name: judge.question(f"{text}？\nA. 对\nB. 错\nC. 都对\nD. 都不对").chance for name, text in about.items()}
    english = {
        "law": "The defendant in a contract case claims duress",
        "chemistry": "Which is true of the reaction of hydrogen and oxygen",
    }
    expected = {
        name: judge.question(f"{text}?\nA. Right\nB. Wrong\nC. Both\nD. Neither").chance
        for name, text in english.items()
    }
    assert all(said[name] == pytest.approx(expected[name], abs=0.1) for name in said)
    assert len(set(said.values())) == 2


def test_work_on_a_chinese_text_is_expected_to_take_as_many_tokens_as_the_text():
    told = "这条河每年春天都会泛滥，村庄搬到了山上。" * 100
    found = hardness_of(f"把下面的文字翻译成英文：{told}", Judge(load()))
    assert found.task == "transform"
    assert found.characters // 4 == pytest.approx(len(told) * 0.85, rel=0.1)
    english = "The river floods every spring. " * 100
    assert hardness_of(f"Translate: {english}", Judge(load())).characters == len(f"Translate: {english}")


def test_a_greeting_before_a_long_question_is_no_small_talk():
    assert mark("你好，最近怎么样？").task == "chat"
    assert mark("你好，请问贸易战对我国东南沿海的出口企业会产生哪些影响，利弊如何").task == "lookup"


def test_a_name_in_chinese_does_not_make_an_english_question_chinese():
    english = "Which enzyme, found by Zhang, unwinds the double helix?\nA. Helicase\nB. Ligase\nC. Kinase\nD. Lipase"
    named = english.replace("Zhang", "张伟")
    judge = Judge(load())
    assert judge.question(named).chance == pytest.approx(judge.question(english).chance, abs=0.03)


@pytest.mark.parametrize(
    ("text", "score", "chance"),
    [
        ("A train travels 90 km in 2 hours – how far in 5? It isn’t slower.", 0.288637189499, 0.261272132200),
        ("What is 15% of 640?", 0.148558024829, 0.219257524583),
        ("Which gas is noble?\nA. Nitrogen\nB. Argon\nC. Oxygen\nD. Chlorine", 0.185662996573, 0.280156859449),
        ("Who wrote “Emile”?\nA. Hume\nB. Rousseau\nC. Kant\nD. Locke", -0.079266356408, 0.233361106704),
    ],
)
def test_what_is_said_of_english_questions_has_not_moved(text, score, chance):
    """By the shipped model before anything here read Chinese."""
    found = Judge(load()).question(text)
    assert (found.score, found.chance) == (pytest.approx(score, abs=1e-9), pytest.approx(chance, abs=1e-9))
