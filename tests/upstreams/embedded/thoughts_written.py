"""Thoughts for the guard: healthy ones, which repeat themselves rightly, and bad ones with the reason they deserve."""

from __future__ import annotations

HEALTHY: dict[str, str] = {
    "cases": """We need n with n^2 + n + 41 not prime.
If n = 1, then n^2 + n + 41 = 43, which is prime, so this n does not work.
If n = 2, then n^2 + n + 41 = 47, which is prime, so this n does not work.
If n = 3, then n^2 + n + 41 = 53, which is prime, so this n does not work.
If n = 4, then n^2 + n + 41 = 61, which is prime, so this n does not work.
If n = 5, then n^2 + n + 41 = 71, which is prime, so this n does not work.
If n = 6, then n^2 + n + 41 = 83, which is prime, so this n does not work.
If n = 7, then n^2 + n + 41 = 97, which is prime, so this n does not work.
If n = 40, then n^2 + n + 41 = 1681 = 41 * 41, which is not prime. So the answer is 40.""",
    "table": """| n | n mod 2 | n mod 3 | n mod 5 |
|---|---------|---------|---------|
| 1 | 1 | 1 | 1 |
| 2 | 0 | 2 | 2 |
| 3 | 1 | 0 | 3 |
| 4 | 0 | 1 | 4 |
| 5 | 1 | 2 | 0 |
| 6 | 0 | 0 | 1 |
| 7 | 1 | 1 | 2 |
| 8 | 0 | 2 | 3 |
| 29 | 1 | 2 | 4 |
Only 29 leaves 1, 2 and 4. The answer is 29.""",
    "noughts": "The matrix has nothing but zeros below the diagonal:\n"
    + "\n".join(["0 0 0 0 0 0 0"] * 7)
    + "\nRank 0.",
    "code": """def area(shape):
    if shape.kind == "circle":
        return math.pi * shape.r ** 2
    if shape.kind == "square":
        return shape.a ** 2
    if shape.kind == "rectangle":
        return shape.a * shape.b
    if shape.kind == "triangle":
        return shape.a * shape.h / 2
    raise ValueError(shape.kind)

assert area(Circle(1)) == math.pi
assert area(Square(2)) == 4
assert area(Rectangle(2, 3)) == 6
assert area(Triangle(2, 3)) == 3
for shape in shapes:
    total += area(shape)
    print(total)
    print(total)""",
    "knights": """Suppose A is a knight. Then B is a knave and C is a knight by what A says.
If A is a knight and B is a knave and C is a knight, then B's claim is false, as it must be.
If A is a knight and B is a knight and C is a knave, then A's claim is false, which cannot be.
If A is a knave and B is a knave and C is a knight, then A's claim is true, which cannot be.
If A is a knave and B is a knight and C is a knave, then B's claim is false, which cannot be.
If A is a knave and B is a knight and C is a knight, then C's claim is false, which cannot be.
If A is a knave and B is a knave and C is a knave, then C's claim is true, which cannot be.
Only the first holds: A and C are knights and B is a knave.""",
    "checked once": """1. Each crate holds 12 bottles, and there are 5 crates, so 12 * 5 = 60 bottles.
2. Of these, 7 are broken, so 60 - 7 = 53 bottles are left.
3. Each bottle is sold for 3 yuan, so 53 * 3 = 159 yuan.
So the answer is 159.
Let me check the steps once more.
1. Each crate holds 12 bottles, and there are 5 crates, so 12 * 5 = 60 bottles.
2. Of these, 7 are broken, so 60 - 7 = 53 bottles are left.
3. Each bottle is sold for 3 yuan, so 53 * 3 = 159 yuan.
Therefore the answer is 159.""",
    "parts": """Question 1: 3 + 4 = 7, the answer is 7.
Question 2: 14 / 2 = 7, the answer is 7.
Question 3: 10 - 3 = 7, the answer is 7.
Question 4: the answer is 7 as well, since 49 / 7 = 7.
(e) the answer is 7.
(f) the answer is 7.
All of them come to 7.""",
    "corrected": """20 - 8 = 12. So the answer is 12.
Wait, that is wrong: she also gave away 2. 12 - 2 = 10. So the answer is 10.
But is the answer 10? Read again: "gave away 2 more than he did", and he gave 8, so she gave 10.
My reading was a mistake. 20 - 10 = 10. So the answer is 10.
There is an error still: he gave first, 20 - 8 = 12, then 12 - 10 = 2. So the answer is 2.
Check: 2 + 10 + 8 = 20. The answer is 2.""",
    "列举": """设兔有x只，鸡有y只，x + y = 10，4x + 2y = 28。
若x = 1，则y = 9，腿数为4 * 1 + 2 * 9 = 22，不等于28，不符合题意。
若x = 2，则y = 8，腿数为4 * 2 + 2 * 8 = 24，不等于28，不符合题意。
若x = 3，则y = 7，腿数为4 * 3 + 2 * 7 = 26，不等于28，不符合题意。
若x = 4，则y = 6，腿数为4 * 4 + 2 * 6 = 28，等于28，符合题意。
因此兔有4只，鸡有6只。答案是4。""",
    "计划": """一周安排如下：
第1天：上午复习第一章，下午做习题，晚上休息。
第2天：上午复习第二章，下午做习题，晚上休息。
第3天：上午复习第三章，下午做习题，晚上休息。
第4天：上午复习第四章，下午做习题，晚上休息。
第5天：上午复习第五章，下午做习题，晚上休息。
第6天：上午复习第六章，下午做习题，晚上休息。
第7天：全天休息，整理错题。
共计6天复习，答案是6天。""",
    "验算": """每箱有24个苹果，共5箱，24 * 5 = 120个。
卖出78个，剩下120 - 78 = 42个。
所以答案是42。
验算：42 + 78 = 120，120 / 5 = 24，正确。
因此答案是42。""",
    "a step checked twice": """Each box holds 24 pencils, and there are 6 boxes: 6 * 24 = 144.
Wait, let me check that: 24 * 6 = 144.
Let me verify it once more by adding: 24 + 24 + 24 + 24 + 24 + 24 = 144.
Now 57 are sold, so 144 - 57 = 87 are left.""",
    "two checks that differ": """6 * 24 = 144, and 144 - 57 = 87.
Wait, let me check this again. 6 * 24 = 134, and 134 - 57 = 77.
Let me verify: 6 * 20 = 120, 6 * 4 = 24, and 120 + 24 = 144. 144 - 57 = 87.
Hmm, let me check the first sum once more. 6 * 24 = 144, so 144 - 57 = 87.""",
    "a part checked twice before the next": """Part (a): 6 * 24 = 144, and 144 - 57 = 87.
Let me check this again: 6 * 24 = 144, and 144 - 57 = 87.
Let me verify it another way: 57 + 87 = 144, and 144 - 57 = 87.
Part (b): half of them are red. 87 - 1 = 86, 86 / 2 = 43.""",
    "再算一次": """先算总数：36 × 5 = 180个。
再减去分掉的：180 - 128 = 52个。
让我验算一下：52 + 128 = 180，180 ÷ 5 = 36。
与题目一致，还剩52个。""",
    "一步验两次": """甲乙相差：84 - 60 = 24。
等一下，我再检查一遍：60 + 24 = 84。
再验算一次：84 - 24 = 60。
所以甲给乙24 ÷ 2 = 12张。""",
    "诗": """要写一首回环的诗，每段以同一句收尾。
春风吹过江南岸，花落无声，我在桥头等你来。
夏雨打湿青石巷，荷香满袖，我在桥头等你来。
秋月照着芦花白，雁字成行，我在桥头等你来。
冬雪压弯竹枝头，炉火正红，我在桥头等你来。
四段句式相同，末句重复，韵脚都在来字上，合乎要求。""",
    "a long thought that changes its way": """Okay, so the question is how many minutes the two pumps need together to fill the tank. The first pump fills it in 30 minutes, the second in 45.
Let me think. In one minute the first fills 1/30 of the tank, the second 1/45.
Together that is 1/30 + 1/45. The common denominator is 90, so 3/90 + 2/90 = 5/90 = 1/18.
So they would need 18 minutes. Hmm, but wait: the question says that the second pump starts 5 minutes late.
So in the first 5 minutes only the first pump works: 5/30 = 1/6 of the tank.
What is left is 1 - 1/6 = 5/6. At 1/18 a minute that takes 5/6 * 18 = 15 minutes.
So in all 5 + 15 = 20 minutes. Let me double check: the first pump works 20 minutes, 20/30 = 2/3. The second works 15 minutes, 15/45 = 1/3. Together 2/3 + 1/3 = 1. Good.
So the answer is 20 minutes.""",
    "一题两解后作答": """好的，先看题目：一件商品先涨价20%，再降价20%，现价96元，问原价。
设原价为x元，涨价后为1.2x，再降价后为1.2x × 0.8 = 0.96x。
0.96x = 96，所以x = 100。
等等，题目问的是不是涨价前的价格？是的，原价就是涨价前的价格。
换个思路验证：原价100，涨20%到120，再降20%，120 × 0.8 = 96，和题目一致。
所以原价是100元。""",
    "a long sum": "\n".join(
        f"Day {n}: {n} + {n * (n - 1) // 2} = {n * (n + 1) // 2} coins so far." for n in range(1, 41)
    ),
}

_LOOP = "We have 12 apples and we need to divide them by 3 children. "
_STEPS = (
    "The train covers 60 km in the first hour of the trip.",
    "The second train starts one hour after the first one leaves.",
    "The difference of their speeds is 20 km for each hour.",
    "So we divide the distance of 60 km by the difference.",
)

BAD: dict[str, tuple[str, str]] = {
    "a sentence for ever": ("repeating", "First we count. " + _LOOP * 8),
    "a word for ever": ("repeating", "The result is very " + "very " * 60),
    "signs for ever": ("repeating", "Let me see" + "." * 400),
    "an equation for ever": ("repeating", "x = 3\n" + "x + 1 = 4, x = 4 - 1, x = 3\n" * 12),
    "a numbered loop": (
        "repeating",
        "\n".join(f"{n}. Check the result again and write it down." for n in range(1, 20)),
    ),
    "句子循环": ("repeating", "先计算总数。" + "我们需要再次检查计算结果是否正确。" * 8),
    "short loop 中文": ("repeating", "所以答案应该是" + "三十六除以四" * 20),
    "steps in other order": (
        "circling",
        " ".join(_STEPS[(i * step) % 4] for step in (1, 3, 1, 3) for i in range(4)),
    ),
    "steps between other words": (
        "circling",
        " ".join(
            f"{_STEPS[i % 4]} {word} is what remains to be seen by us now."
            for i, word in enumerate(
                (
                    "Speed",
                    "Length",
                    "Distance",
                    "Time",
                    "Motion",
                    "Rest",
                    "Weight",
                    "Force",
                    "Work",
                    "Heat",
                    "Light",
                    "Sound",
                )
            )
        ),
    ),
    "绕圈": (
        "circling",
        "小明比小红多五个苹果，这是题目的条件。小红的苹果数量是未知数，需要先求出来。"
        "先求小红的数量，再求小明的数量。"
        "小红的苹果数量是未知数，需要先求出来。小明比小红多五个苹果，这是题目的条件。"
        "等等，换一个角度。先求小红的数量，再求小明的数量。小明比小红多五个苹果，这是题目的条件。"
        "小红的苹果数量是未知数，需要先求出来。先求小红的数量，再求小明的数量。",
    ),
    "settled": (
        "settled",
        """6 * 7 = 42. So the answer is 42.
Wait, let me look at it in another way: 7 * 6 is 42, so the answer is 42.
Hmm, adding seven six times: 7, 14, 21, 28, 35, 42. Therefore, the final answer is 42.
Let me think about whether the units matter here at all.""",
    ),
    "settled, weakly said": (
        "settled",
        r"""There are 5 * 9 = 45 seats, so \boxed{45}.
Therefore 50 - 5 = 45.
So in all 45.
Counting rows first: 9 + 9 + 9 + 9 + 9 = 45 is right, as is 45.
The answer is 45.
Perhaps I should look at the rows once more.""",
    ),
    "worked out a third time": (
        "settled",
        """1. Calculate the total number of pencils: 6 * 24 = 144 pencils
2. Subtract the number of pencils sold: 144 - 57 = 87 pencils
Wait, let me work it out again to check:
1. 6 boxes of 24 pencils are 6 * 24 = 144
2. Without the 57 that are sold: 144 - 57 = 87
Hmm, let me double-check this in another way.
1. 57 + 87 = 144""",
    ),
    "又算第三遍": (
        "settled",
        """1. 苹果总数：36 × 5 = 180个
2. 减去分给学生的：180 - 128 = 52个
等一下，我再重新算一遍，验证结果：
1. 36 × 5 = 180个
2. 180 - 128 = 52个
等等，换一种方法再检查一遍：
1. 52 + 128 = 180个""",
    ),
    "an answer doubted for nothing": (
        "settled",
        """Okay, 3 friends share 84 stickers equally, so each gets 84 / 3 = 28. So the answer is 28.
Wait, is it really that simple? Let me make sure that I read it right. Three friends, 84 stickers, equally. Yes. So the answer is 28.
Hmm, maybe there is a trick in it. It says equally, and nothing about some being left over. 28 * 3 = 84. So the answer must be 28.
Hold on, let me read the question one more time to be safe. Three friends again.""",
    ),
    "反复确认": (
        "settled",
        """小红有84张贴纸，平均分给3个朋友，84 ÷ 3 = 28，所以答案是28。
等等，真的这么简单吗？再读一遍题目：平均分给3个朋友，没有剩余。所以答案是28。
嗯，会不会有陷阱？28 × 3 = 84，正好分完。因此最终答案是28。
不过还是再读一遍题目，确认一下条件。""",
    ),
    "going round the same thoughts": (
        "circling",
        """Okay, we have to find out who took the book. Anna says that Ben took it, and Ben says that he did not.
If exactly one of them lies, then we have to look at what Carl says as well. Carl says that Anna lies.
Wait, let me start again from what Anna says. Anna says that Ben took it, and Ben says that he did not.
So if exactly one of them lies, then we have to look at what Carl says as well. Carl says that Anna lies.
Hmm, let me look at it from the other side. Ben says that he did not, and Anna says that Ben took it.
If exactly one of them lies, then we have to look at what Carl says as well. Carl says that Anna lies.
Anna says that Ben took it, and Ben says that he did not.""",
    ),
    "来回打转": (
        "circling",
        """先看甲的话：甲说乙拿了书，乙说自己没有拿。如果只有一个人说谎，就要再看丙说的话。丙说甲在说谎。
等等，重新从甲的话开始想。甲说乙拿了书，乙说自己没有拿。如果只有一个人说谎，就要再看丙说的话。丙说甲在说谎。
嗯，换个角度想一想。乙说自己没有拿，甲说乙拿了书。如果只有一个人说谎，就要再看丙说的话。丙说甲在说谎。
甲说乙拿了书，乙说自己没有拿。""",
    ),
    "已有答案": (
        "settled",
        "总价是18元，所以答案是18。等等，再想一想，三本书每本6元，答案是18元。"
        "换个方法，6加6加6，最终结果是18。再验证一下每本书的价格。",
    ),
}
