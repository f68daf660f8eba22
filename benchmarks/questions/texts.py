"""Work on a given text: which label it deserves, or what stands in it. Templates, and the words that they are filled with.

What a message is about is written by us sentence by sentence, so its label is known; what is to be found in a text is
put there. Every text to search holds something of the same shape that is not wanted.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from benchmarks.questions.kinds import Language, Split


class Sorting(msgspec.Struct, frozen=True):
    """A task of sorting messages. messages: for each label, its messages. ask: with {text}."""

    name: str
    ask: str
    messages: dict[str, tuple[str, ...]]


SORTINGS: dict[Split, dict[Language, tuple[Sorting, ...]]] = {
    "train": {
        "en": (
            Sorting(
                "film-review",
                "Classify this film review as positive or negative. Answer with one word.\n\nReview: {text}",
                {
                    "positive": (
                        "A wonderful film; I laughed, I cried, and I will watch it again.",
                        "The acting is superb and the ending moved me deeply.",
                        "Best two hours I have spent in a cinema this year.",
                        "Clever, warm and beautifully shot. Go and see it.",
                    ),
                    "negative": (
                        "A boring mess. I left after forty minutes.",
                        "The plot makes no sense and the jokes are painful.",
                        "What a waste of money; even the music is awful.",
                        "I expected a lot and was bitterly disappointed.",
                    ),
                },
            ),
            Sorting(
                "shop-mail",
                "Which of the topics refund, delivery, account fits this message best? Answer with the topic only.\n\nMessage: {text}",
                {
                    "refund": (
                        "I sent the shoes back two weeks ago and want my money back.",
                        "You charged me twice; please return the second payment.",
                    ),
                    "delivery": (
                        "My parcel should have arrived on Monday. Where is it?",
                        "The courier left the package at the wrong house.",
                    ),
                    "account": (
                        "I forgot my password and cannot log in.",
                        "Please change the e-mail address of my login.",
                    ),
                },
            ),
        ),
        "zh": (
            Sorting(
                "zh-film-review",
                "请判断下面的影评是正面还是负面，只回答“正面”或“负面”。\n\n影评：{text}",
                {
                    "正面": (
                        "剧情紧凑，演员演技出色，非常值得一看。",
                        "看完心里暖暖的，强烈推荐给大家。",
                        "画面精美，音乐动人，是今年最好的电影。",
                        "笑中带泪，看了两遍还想再看。",
                    ),
                    "负面": (
                        "剧情拖沓，看到一半就睡着了。",
                        "演技尴尬，台词生硬，浪费时间。",
                        "特效粗糙，毫无逻辑，太失望了。",
                        "完全不值票价，后悔去看。",
                    ),
                },
            ),
            Sorting(
                "zh-shop-mail",
                "请把下面的客户留言归类为“退款”“物流”“账号”之一，只回答类别。\n\n留言：{text}",
                {
                    "退款": ("鞋子已经退回两周了，请把钱退给我。", "同一笔订单扣了两次款，请退还一次。"),
                    "物流": ("包裹本来周一就该到，现在还没收到。", "快递员把我的包裹送错了地址。"),
                    "账号": ("我忘记了登录密码，无法登录。", "请帮我修改登录用的手机号。"),
                },
            ),
        ),
    },
    "report": {
        "en": (
            Sorting(
                "restaurant",
                "A guest wrote about a restaurant. Is the guest satisfied or unsatisfied? Reply with one of these two words.\n\n{text}",
                {
                    "satisfied": (
                        "Delicious soup, friendly waiters, and a lovely view. We will be back!",
                        "The best pizza in town, and it came hot and fast.",
                        "Great value for money; the dessert alone is worth the visit.",
                        "Our evening was perfect from the first course to the last.",
                        "Cosy room, fresh fish, kind staff. Thank you!",
                        "I loved every bite and the prices are fair.",
                        "What a pleasant surprise: excellent food in such a small place.",
                    ),
                    "unsatisfied": (
                        "We waited an hour and the food came cold.",
                        "The waiter was rude and the table was dirty.",
                        "Overpriced, tiny portions, never again.",
                        "My steak was burnt and nobody apologised.",
                        "The soup tasted of nothing and the bread was stale.",
                        "Terrible service; they forgot our order twice.",
                        "I got sick after eating there and would not recommend it.",
                    ),
                },
            ),
            Sorting(
                "department",
                "Sort the request below into one department: IT, HR or Finance. Give the department only.\n\nRequest: {text}",
                {
                    "IT": (
                        "My laptop does not start any more and shows a blue screen.",
                        "I need the printer driver installed on my computer.",
                        "The office network is down on the third floor.",
                        "Please install the new software version on my workstation.",
                    ),
                    "HR": (
                        "I would like to take parental leave from May on.",
                        "How many days of annual vacation do I have as a new employee?",
                        "We want to hire a new colleague and need a job posting.",
                        "Whom do I ask about my employment contract?",
                    ),
                    "Finance": (
                        "The supplier's invoice has not been paid yet.",
                        "Please reimburse my travel expenses from last week.",
                        "We need the budget figures and the tax report for this quarter.",
                        "The bank transfer to our supplier was booked to the wrong account.",
                    ),
                },
            ),
            Sorting(
                "spam",
                "Is the following e-mail spam or normal? Reply with one word, spam or normal.\n\nE-mail: {text}",
                {
                    "spam": (
                        "CONGRATULATIONS!!! You have won 1,000,000 dollars. Click here now to claim your prize!",
                        "Lose 20 pounds in one week with this miracle pill. Order today!",
                        "Your account is blocked. Send us your password and card number at once to unlock it.",
                        "Cheap watches, 90% off, only today!!! Buy now, limited offer!",
                    ),
                    "normal": (
                        "Hi Tom, the meeting is moved to three o'clock. See you there, Anna.",
                        "Please find attached the minutes of yesterday's project meeting.",
                        "Thanks for your help with the slides. Shall we have lunch on Friday?",
                        "Dear team, the office will be closed on Monday for the public holiday.",
                    ),
                },
            ),
        ),
        "zh": (
            Sorting(
                "zh-restaurant",
                "下面是顾客对一家餐厅的评价。顾客是满意还是失望？请用“满意”或“失望”两个词之一作答。\n\n{text}",
                {
                    "满意": (
                        "菜很新鲜，服务员也热情，下次还来。",
                        "环境优雅，味道一流，价格也公道。",
                        "上菜快，份量足，全家都吃得很开心。",
                        "这家的烤鸭是我吃过最好吃的。",
                        "老板很贴心，还送了水果，太棒了。",
                        "汤鲜味美，甜点更是惊喜，强烈推荐。",
                        "性价比超高，朋友们都赞不绝口。",
                    ),
                    "失望": (
                        "等了一个小时，端上来的菜还是凉的。",
                        "服务态度恶劣，桌子也很脏。",
                        "又贵又难吃，再也不会来了。",
                        "肉都烤焦了，也没有人道歉。",
                        "汤里有头发，吃完还拉肚子。",
                        "点的菜漏了两次，体验极差。",
                        "份量少得可怜，味道也很一般，不推荐。",
                    ),
                },
            ),
            Sorting(
                "zh-department",
                "请问下面的申请应交给哪个部门处理：技术部、人事部、财务部？直接给出部门名称。\n\n申请：{text}",
                {
                    "技术部": (
                        "我的电脑无法开机，一直蓝屏。",
                        "三楼的办公网络断了，请尽快修复。",
                        "请帮我在电脑上安装新版软件。",
                        "服务器无法访问，系统报错。",
                    ),
                    "人事部": (
                        "我想从五月开始休产假，如何申请？",
                        "新员工每年有几天年假？",
                        "我们需要招聘一名新同事，请发布招聘信息。",
                        "我的劳动合同下个月到期，想续签。",
                    ),
                    "财务部": (
                        "上周出差的费用请帮我报销。",
                        "供应商的发票还没有付款。",
                        "请提供本季度的预算和税务报表。",
                        "给客户的转账打到了错误的银行账户。",
                    ),
                },
            ),
            Sorting(
                "zh-spam",
                "下面的短信是垃圾短信还是正常短信？只答“垃圾”或“正常”。\n\n短信：{text}",
                {
                    "垃圾": (
                        "恭喜您中奖100万元！请立即点击链接领取大奖！",
                        "一周瘦二十斤，神奇减肥药，今日下单半价！",
                        "您的账户已冻结，请马上回复密码和银行卡号解冻。",
                        "名牌手表一折起，仅限今天，速来抢购！！！",
                    ),
                    "正常": (
                        "老王，会议改到下午三点，别忘了带资料。",
                        "妈，我今晚加班，晚点回家吃饭。",
                        "谢谢你帮我改稿子，周五一起吃饭吧。",
                        "各位同事，下周一放假一天，请安排好工作。",
                    ),
                },
            ),
        ),
    },
}


class Found(msgspec.Struct, frozen=True):
    """A text to search, what is to be found in it, and what else stands there."""

    prompt: str
    truth: tuple[str, ...]
    others: tuple[str, ...] = ()


Search = Callable[[random.Random], Found]

_PEOPLE = ("Maria Lopez", "John Baker", "Susan Clark", "Peter Novak", "Linda Brown", "Omar Haddad", "Karen Wolf")
_CITIES = ("Hamburg", "Boston", "Sydney", "Dublin", "Toronto", "Vienna", "Oslo", "Seattle")
_GOODS = ("desk lamp", "coffee grinder", "winter jacket", "keyboard", "garden chair", "water bottle", "rucksack")
_PEOPLE_ZH = ("王建国", "李秀英", "张晓东", "刘海燕", "陈志强", "赵雪梅", "孙文博", "周丽华")
_CITIES_ZH = ("杭州", "成都", "武汉", "西安", "南京", "青岛", "厦门", "长沙")
_GOODS_ZH = ("台灯", "咖啡机", "羽绒服", "键盘", "折叠椅", "保温杯", "双肩包")
_MONTHS = ("January", "March", "April", "June", "July", "September", "October", "December")


def _code(dice: random.Random, letters: int = 2, digits: int = 5) -> str:
    signs = "".join(dice.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(letters))
    return f"{signs}-{dice.randrange(10 ** (digits - 1), 10**digits)}"


def _phone(dice: random.Random) -> str:
    return f"555-{dice.randrange(1000, 9999)}"


def _phone_zh(dice: random.Random) -> str:
    return f"13{dice.randrange(10**8, 10**9)}"


def _two(dice: random.Random, names: tuple[str, ...]) -> tuple[str, str]:
    one, other = dice.sample(names, 2)
    return one, other


def _mail(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.com"


def _order_number(dice: random.Random) -> Found:
    order, customer = _code(dice), _code(dice)
    who, what = dice.choice(_PEOPLE), dice.choice(_GOODS)
    return Found(
        "Extract the order number from the text. Answer with the order number only.\n\n"
        f"Hello, I am {who}, customer {customer}. My order {order} with a {what} has not come yet.",
        (order,),
        (customer,),
    )


def _phone_of(dice: random.Random) -> Found:
    mine, office = _phone(dice), _phone(dice)
    who = dice.choice(_PEOPLE)
    return Found(
        "Extract the mobile number from the text. Answer with the number only.\n\n"
        f"You can reach {who} by mobile on {mine}, or at the office on {office} until five.",
        (mine,),
        (office,),
    )


def _city_of_birth(dice: random.Random) -> Found:
    born, lives = _two(dice, _CITIES)
    who = dice.choice(_PEOPLE)
    return Found(
        f"In which city was {who} born? Answer with the city only.\n\n"
        f"{who} was born in {born}, studied law, and has lived in {lives} for ten years.",
        (born,),
        (lives,),
    )


def _order_number_zh(dice: random.Random) -> Found:
    order, customer = _code(dice), _code(dice)
    return Found(
        "请从文字中提取订单号，只回答订单号。\n\n"
        f"您好，我是{dice.choice(_PEOPLE_ZH)}，会员号{customer}。我的订单{order}（{dice.choice(_GOODS_ZH)}）还没有发货。",
        (order,),
        (customer,),
    )


def _phone_of_zh(dice: random.Random) -> Found:
    mine, office = _phone_zh(dice), f"0571-8{dice.randrange(10**6, 10**7)}"
    return Found(
        "请从文字中提取手机号码，只回答号码。\n\n"
        f"联系人：{dice.choice(_PEOPLE_ZH)}，手机{mine}，办公电话{office}，工作日九点到五点。",
        (mine,),
        (office,),
    )


def _city_zh(dice: random.Random) -> Found:
    born, lives = _two(dice, _CITIES_ZH)
    who = dice.choice(_PEOPLE_ZH)
    return Found(
        f"{who}出生在哪个城市？只回答城市名。\n\n{who}出生于{born}，大学学习法律，最近十年住在{lives}。",
        (born,),
        (lives,),
    )


def _flight(dice: random.Random) -> Found:
    flight, back = f"LH{dice.randrange(100, 999)}", f"BA{dice.randrange(100, 999)}"
    to, from_ = _two(dice, _CITIES)
    return Found(
        f"Which flight goes to {to}? Give the flight number and nothing else.\n\n"
        f"Dear {dice.choice(_PEOPLE)}, you are booked on {flight} from {from_} to {to}, and return on {back} from {to} to {from_}.",
        (flight, f"{flight[:2]} {flight[2:]}"),
        (back, f"{back[:2]} {back[2:]}"),
    )


def _amount_due(dice: random.Random) -> Found:
    due, paid = f"{dice.randrange(210, 990)}.{dice.randrange(10, 99)}", f"{dice.randrange(20, 190)}.50"
    return Found(
        "Find the amount that is still due in this note and reply with the amount alone.\n\n"
        f"Invoice {_code(dice)}: we received {paid} dollars on {dice.choice(_MONTHS)} {dice.randrange(2, 28)}. "
        f"Still due: {due} dollars.",
        (due,),
        (paid,),
    )


def _mail_of(dice: random.Random) -> Found:
    one, other = _two(dice, _PEOPLE)
    return Found(
        f"What is the e-mail address of {one}? Write only the address.\n\n"
        f"For contracts write to {one} ({_mail(one)}); for technical matters to {other} ({_mail(other)}).",
        (_mail(one),),
        (_mail(other),),
    )


def _who_bought(dice: random.Random) -> Found:
    (one, other), (what, else_) = _two(dice, _PEOPLE), _two(dice, _GOODS)
    return Found(
        f"Who bought the {what}? Give the full name only.\n\n"
        f"On Monday {one} bought a {what} in our shop in {dice.choice(_CITIES)}. A day later {other} ordered a {else_}.",
        (one,),
        (other,),
    )


def _room(dice: random.Random) -> Found:
    room, old = f"{dice.choice('ABC')}{dice.randrange(101, 499)}", f"{dice.choice('DEF')}{dice.randrange(101, 499)}"
    return Found(
        "Pick out the room in which the meeting takes place now. Reply with the room alone.\n\n"
        f"Change of plan: the meeting with {dice.choice(_PEOPLE)} will not be in room {old}. Please come to room {room} at ten.",
        (room,),
        (old,),
    )


def _flight_zh(dice: random.Random) -> Found:
    flight, back = f"CA{dice.randrange(1000, 9999)}", f"MU{dice.randrange(1000, 9999)}"
    to, from_ = _two(dice, _CITIES_ZH)
    return Found(
        f"飞往{to}的航班号是什么？直接写出航班号。\n\n"
        f"{dice.choice(_PEOPLE_ZH)}您好，您已预订{flight}航班，由{from_}飞往{to}；返程为{back}航班，由{to}飞往{from_}。",
        (flight,),
        (back,),
    )


def _amount_due_zh(dice: random.Random) -> Found:
    due, paid = f"{dice.randrange(210, 990)}.{dice.randrange(11, 99)}", f"{dice.randrange(20, 190)}.50"
    return Found(
        "找出下面通知中尚未支付的金额，仅写出金额。\n\n"
        f"账单{_code(dice)}：{dice.randrange(2, 12)}月{dice.randrange(2, 28)}日已收到{paid}元，尚欠{due}元，请尽快支付。",
        (due,),
        (paid,),
    )


def _mail_of_zh(dice: random.Random) -> Found:
    one, other = _two(dice, _PEOPLE_ZH)
    first, second = f"sales{dice.randrange(10, 99)}@example.cn", f"tech{dice.randrange(10, 99)}@example.cn"
    return Found(
        f"{one}的邮箱是什么？仅写出邮箱地址。\n\n合同事宜请联系{one}（{first}），技术问题请联系{other}（{second}）。",
        (first,),
        (second,),
    )


def _who_bought_zh(dice: random.Random) -> Found:
    (one, other), (what, else_) = _two(dice, _PEOPLE_ZH), _two(dice, _GOODS_ZH)
    return Found(
        f"谁买了{what}？仅写出姓名。\n\n周一，{one}在我们{dice.choice(_CITIES_ZH)}门店买了一个{what}；第二天，{other}订了一个{else_}。",
        (one,),
        (other,),
    )


def _room_zh(dice: random.Random) -> Found:
    room, old = f"{dice.choice('ABC')}{dice.randrange(101, 499)}", f"{dice.choice('DEF')}{dice.randrange(101, 499)}"
    return Found(
        "会议现在在哪个房间举行？仅写出房间号。\n\n"
        f"通知：与{dice.choice(_PEOPLE_ZH)}的会议不在{old}房间了，请十点到{room}房间参加。",
        (room,),
        (old,),
    )


SEARCHES: dict[Split, dict[Language, tuple[Search, ...]]] = {
    "train": {
        "en": (_order_number, _phone_of, _city_of_birth),
        "zh": (_order_number_zh, _phone_of_zh, _city_zh),
    },
    "report": {
        "en": (_flight, _amount_due, _mail_of, _who_bought, _room),
        "zh": (_flight_zh, _amount_due_zh, _mail_of_zh, _who_bought_zh, _room_zh),
    },
}
