"""What the features of the trained model are called, in both languages: for people who ask why. Beside reading.py, whose
features these are; a test compares the two lists."""

from __future__ import annotations

from zhongshu.core.problems import Said

_OF_TEXT: dict[str, Said] = {
    "characters": Said("length in characters", "字数"),
    "words": Said("length in words", "词数"),
    "numbers": Said("how many numbers", "数字的个数"),
    "number_share": Said("numbers among the words", "数字所占比例"),
    "sentences": Said("how many sentences", "句数"),
    "word_length": Said("length of the words", "单词长度"),
    "option_characters": Said("length of the options", "选项字数"),
    "option_spread": Said("how unlike in length the options are", "选项长短不一的程度"),
    "options_with_numbers": Said("options with numbers", "含数字的选项"),
    "options": Said("how many options", "选项个数"),
    "different_words": Said("how many of the words are different", "用词的多样性"),
    "capitals": Said("capital letters", "大写字母"),
    "han_share": Said("share of Chinese characters", "汉字比例"),
    "large_number": Said("a number above 100", "大于 100 的数"),
    "decimals": Said("numbers with decimals", "小数"),
    "last_sentence_words": Said("length of the last sentence", "最后一句的长度"),
    "words_a_sentence": Said("length of the sentences", "平均句长"),
    "percent": Said("percentages", "百分比、折扣"),
    "fraction_words": Said("fractions and multiples", "分数与倍数"),
    "each": Said('"each" and "per"', "“每”“各”"),
    "change": Said('"if", "then", "left", "more"', "“如果”“之后”“剩”“多”“少”等变化"),
    "symbols": Said("signs of formulas", "公式符号"),
    "dollars": Said("signs of money", "货币符号"),
    "not": Said('"not" and "except"', "“不”“没有”“除了”"),
    "quantities": Said("quantities: time, speed, cost, total", "时间、速度、成本、总量等数量"),
    "blanks": Said("blanks to fill", "填空"),
    "commas": Said("commas", "逗号"),
    "why": Said('"why", "how", "explain", "prove"', "“为什么”“如何”“多少”“解释”“证明”"),
    "code": Said("code", "代码"),
    "latex": Said("formulas in LaTeX", "LaTeX 公式"),
    "statements": Said("numbered statements to judge", "编号的命题"),
    "following": Said('"the following"', "“下列”“以下”"),
    "wh": Said('"which", "what", "who"', "“哪”“什么”“谁”"),
    "which_words": Said("what it is about, by its words", "题材（由用词看出）"),
}
_OF_WORDS: dict[str, Said] = {
    "mean": Said("how common the words of the {} are", "{}用词的常见程度"),
    "mean_uncommon": Said("how common the less common words of the {} are", "{}中不太常见的词的常见程度"),
    "rarest": Said("the rarest word of the {}", "{}中最罕见的词"),
    "rarest_three": Said("the three rarest words of the {}", "{}中最罕见的三个词"),
    "rare": Said("rare words in the {}", "{}中的罕见词"),
    "very_rare": Said("very rare words in the {}", "{}中的极罕见词"),
    "share_unusual": Said("share of unusual words in the {}", "{}中不常见词的比例"),
}
_WHOSE = {"stem": Said("question", "题干"), "option": Said("options", "选项")}

NAMED: dict[str, Said] = {
    **_OF_TEXT,
    **{
        f"{part}_words_{name}": Said(said.en.format(whose.en), said.zh.format(whose.zh))
        for part, whose in _WHOSE.items()
        for name, said in _OF_WORDS.items()
    },
}
"""Each feature of `reading.CHOICE_NAMES`, and the share of the words, by name."""
