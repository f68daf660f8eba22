"""Chinese as people write it, made into what the router's patterns and features know: simplified characters, half-width
letters and digits, options in a row, numerals, and how long the same would be in English. Pure; knows no task.

The patterns are written in simplified Chinese, and the trained model knows English questions alone. Nothing here touches a
text without Chinese characters or full-width forms.
"""

from __future__ import annotations

import re
from itertools import islice

HAN = re.compile(r"[\u4e00-\u9fff]")
_IN_A_ROW = re.compile(r"[\u4e00-\u9fff]+")
CHARACTERS_EACH, WORDS_EACH = 3.5, 0.68
"""What a Chinese character takes in English, in characters and in words: the ratio over 132 pairs of the same question in
both (benchmarks/data/parallel.jsonl, those that may be looked at; median 3.7, and 0.70)."""

_WIDE = "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ（）．％＋－＝／＊＄＃"
_NARROW = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz().%+-=/*$#"
# The traditional characters of the patterns and of the words that features count, and what stands beside them most often.
_SIMPLER = (
    "譯译 總总 結结 擷撷 類类 歸归 潤润 飾饰 縮缩 擴扩 寫写 糾纠 錯错 別别 證证 導导 納纳 優优 約约 權权 統统 籌筹 規规 劃划 設设 "
    "協协 議议 實实 驗验 邏逻 輯辑 題题 鎖锁 調调 試试 內内 洩泄 競竞 態态 診诊 斷断 為为 爲为 麼么 報报 敗败 潰溃 變变 碼码 數数 "
    "腳脚 則则 編编 個个 詩诗 週周 幾几 塊块 歲岁 還还 積积 異异 陣阵 項项 環环 點点 樣样 從从 開开 關关 邊边 這这 們们 與与 無无 "
    "並并 將将 對对 於于 說说 話话 請请 問问 嗎吗 後后 來来 會会 讓让 買买 賣卖 錢钱 價价 減减 張张 輛辆 條条 雙双 顆颗 級级 間间 "
    "頁页 詞词 種种 語语 處处 運运 動动 線线 遲迟 憶忆 體体 簡简 單单 難难 誰谁 裡里 電电 時时 鐘钟 鬆松 詳详 細细 續续 講讲 煩烦 "
    "斬斩 嚴严 論论 過过 機机 應应 當当 須须 讀读 檢检 給给 傷伤 補补 償偿 訴诉 據据 圖图 書书 員员 賬账 帳账 險险 債债 貸贷 銀银 "
    "發发 產产 業业 務务 計计 課课 學学 習习 練练 經经 濟济 歷历 醫医 藥药 療疗 護护 團团 隊队 營营 費费 獎奖 較较 範范 圍围 飯饭 "
    "館馆 車车 橋桥 樓楼 氣气 熱热 壓压 係系 繫系 該该 雖虽 執执 節节 麗丽 歡欢 謝谢 現现 確确 認认 兩两 萬万 億亿 雲云 華华 標标 "
    "籤签 辦办 滿满 連连 達达 選选 擇择 圓圆 長长 寬宽 徑径 聯联 複复 雜杂 麵面 製制 鐵铁 樹树 葉叶 餘余 隻只 幫帮 層层 頭头 剛刚 "
    "組组 決决 評评 響响 參参 適适 屬属 幣币 門门 國国 東东 風风 緒绪 帶带 贏赢 鄰邻 隨随 離离 僅仅 詢询 閱阅 擋挡 壞坏 顯显 輸输 "
    "鍵键 幹干 愛爱 聽听 擬拟 遊游 禮礼 廣广 驟骤 騎骑 贈赠 虧亏 購购 盤盘 紙纸 筆笔 換换 園园 欄栏 斂敛 "
)
_PLAIN = str.maketrans(dict(zip(_WIDE, _NARROW, strict=True)) | {pair[0]: pair[1] for pair in _SIMPLER.split()})
_OTHER = frozenset(map(chr, _PLAIN))

# A numeral above ten: English writes those up to ten as words, which are not counted as numbers either.
_NUMERAL = re.compile(r"[一二两三四五六七八九十百千万亿零〇]{2,}")
_DIGITS = {sign: at for at, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_LARGEST_TEN = 10

_FIRST = re.compile(r"(?:^|(?<=[\s？?。.:：,，)）（】_]))\(?A([).、:：]|[^\S\n]+(?=\S))")
_CIRCLES = "①②③④⑤"
_LETTERS = "ABCDE"
_FEWEST_OPTIONS = 3
_TRIED = 20


def plain(text: str) -> str:
    """The same with half-width letters and digits and in simplified characters, as far as patterns need them. As long."""
    return text if text.isascii() or _OTHER.isdisjoint(text) else text.translate(_PLAIN)


def length(text: str) -> float:
    """How many characters the same would be in English, about."""
    return len(text) if text.isascii() else len(text) + sum(map(len, _IN_A_ROW.findall(text))) * (CHARACTERS_EACH - 1)


def length_by(whole: str, part: str) -> int:
    """The same of a long text, by a part of it."""
    return round(len(whole) * length(part) / max(1, len(part)))


def numerals(text: str) -> list[float]:
    """The numbers above ten that are written in Chinese numerals."""
    found = [value(one) for one in _NUMERAL.findall(text)]
    return [one for one in found if one is not None and one > _LARGEST_TEN]


def value(numeral: str) -> float | None:
    """The number that a numeral stands for: 三百二十 is 320; None where it is none, as of 万一 and 千万."""
    total, part, digit = 0, 0, None
    for at, sign in enumerate(numeral):
        if sign in _DIGITS:
            if digit:  # 二三: several digits in a row are a year, or "two or three"
                return None
            digit = _DIGITS[sign]
        elif sign in _UNITS:
            if digit is None and (part or sign != "十"):
                return None
            part, digit = part + (1 if digit is None else digit) * _UNITS[sign], None
        elif not at or part + (digit or 0) == 0:
            return None
        else:
            total, part, digit = total + (part + (digit or 0)) * _LARGE[sign], 0, None
    return float(total + part + (digit or 0))


def options(text: str) -> tuple[str, list[str]] | None:
    """What is asked, and the options it offers, where they are marked as Chinese texts mark them: A、 A： （A） ① A followed by
    a space, on lines of their own or in a row. None where fewer than three are offered."""
    if "①" in text:
        return _cut(text, list(_CIRCLES))
    for first in islice(_FIRST.finditer(text), _TRIED):
        closing = first[1].strip() or " "
        opening = "(" if first[0].startswith("(") else ""
        found = _cut(text[first.start() :], [f"{opening}{letter}{closing}" for letter in _LETTERS])
        if found is not None:
            return text[: first.start()], found[1]
    return None


def _cut(text: str, marks: list[str]) -> tuple[str, list[str]] | None:
    """A text cut at marks, which must come in this order; the last ones may be missing."""
    parts: list[str] = []
    rest = text
    for mark in marks:
        before, found, after = rest.partition(mark)
        if not found:
            break
        parts.append(before)
        rest = after
    stem, *offered = [part.strip() for part in (*parts, rest)]
    return (stem, offered) if len(offered) >= _FEWEST_OPTIONS and all(offered) else None
