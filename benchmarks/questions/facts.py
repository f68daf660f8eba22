"""Common facts with one right answer: question, what is right, and, where a wrong answer might hold it too, what is not.

The two splits ask in different words about different things.
"""

from __future__ import annotations

from benchmarks.questions.kinds import Language, Split

Fact = tuple[str, str]
"""A question, and the spellings that are right with | between them."""

_TRAIN_EN: tuple[Fact, ...] = (
    ("What is the capital of France?", "Paris"),
    ("What is the capital of Japan?", "Tokyo"),
    ("What is the capital of Egypt?", "Cairo"),
    ("What is the capital of Italy?", "Rome"),
    ("What is the capital of Russia?", "Moscow"),
    ("What is the capital of Spain?", "Madrid"),
    ("What is the chemical symbol of gold?", "Au"),
    ("What is the chemical symbol of oxygen?", "O"),
    ("What is the chemical symbol of iron?", "Fe"),
    ("Which day comes after Tuesday?", "Wednesday"),
    ("Which month comes before May?", "April"),
    ("What is the opposite of hot?", "cold"),
    ("What is the opposite of early?", "late"),
    ("What is the plural of child?", "children"),
    ("What is the past tense of go?", "went"),
    ("Which gas do plants take in from the air to grow?", "carbon dioxide|CO2"),
    ("Which animal is known as the king of the jungle?", "lion"),
    ("Which ocean lies between Europe and North America?", "Atlantic"),
)
_TRAIN_ZH: tuple[Fact, ...] = (
    ("法国的首都是哪里？", "巴黎|Paris"),
    ("日本的首都是哪里？", "东京"),
    ("英国的首都是哪里？", "伦敦"),
    ("俄罗斯的首都是哪里？", "莫斯科"),
    ("中国的首都是哪里？", "北京"),
    ("金的化学符号是什么？", "Au"),
    ("氧的化学符号是什么？", "O"),
    ("钠的化学符号是什么？", "Na"),
    ("《西游记》的作者是谁？", "吴承恩"),
    ("《静夜思》的作者是谁？", "李白"),
    ("星期三的后一天是星期几？", "星期四|周四|礼拜四"),
    ("“大”的反义词是什么？", "小"),
    ("苹果用英语怎么说？", "apple"),
    ("狗用英语怎么说？", "dog"),
    ("世界上最高的山峰是哪座？", "珠穆朗玛峰|珠峰|Everest"),
    ("太阳从哪个方向升起？", "东方|东边|东"),
    ("人体最大的器官是什么？", "皮肤"),
    ("中国最长的河流是哪条？", "长江"),
)
_REPORT_EN: tuple[Fact, ...] = (
    ("Berlin is the capital of which country?", "Germany"),
    ("Canberra is the capital of which country?", "Australia"),
    ("Athens is the capital of which country?", "Greece"),
    ("Ottawa is the capital of which country?", "Canada"),
    ("Which country has Lisbon as its capital?", "Portugal"),
    ("Who wrote the play Romeo and Juliet?", "Shakespeare"),
    ("Who developed the theory of relativity?", "Einstein"),
    ("Who painted the Mona Lisa?", "Leonardo|da Vinci"),
    ("Which planet is the largest in the solar system?", "Jupiter"),
    ("Which planet is the closest to the Sun?", "Mercury"),
    ("Which planet is called the red planet?", "Mars"),
    ("Name the element whose chemical symbol is H.", "hydrogen"),
    ("Name the element whose chemical symbol is C.", "carbon"),
    ("Name the element whose chemical symbol is Ag.", "silver"),
    ("Which language is spoken in Brazil?", "Portuguese"),
    ("In which country are the pyramids of Giza?", "Egypt"),
    ("In which city is the Eiffel Tower?", "Paris"),
    ("Which currency is used in Japan?", "yen"),
    ("Which currency is used in the United Kingdom?", "pound|pounds|sterling|GBP"),
    ("What do bees make that people eat?", "honey"),
    ("Which organ pumps blood through the body?", "heart"),
    ("What is frozen water called?", "ice"),
    ("Which season comes after winter?", "spring"),
    ("What is the largest ocean on Earth?", "Pacific"),
    ("On which continent is Kenya?", "Africa"),
    ("Give the opposite of the word 'difficult'.", "easy|simple"),
    ("Give the past tense of the verb 'to write'.", "wrote"),
    ("What is the name of the star at the centre of our solar system?", "Sun"),
)
_REPORT_ZH: tuple[Fact, ...] = (
    ("首尔是哪个国家的首都？", "韩国|大韩民国|South Korea"),
    ("曼谷是哪个国家的首都？", "泰国|Thailand"),
    ("柏林是哪个国家的首都？", "德国|Germany"),
    ("罗马是哪个国家的首都？", "意大利|Italy"),
    ("《红楼梦》是谁写的？", "曹雪芹"),
    ("《三国演义》是谁写的？", "罗贯中"),
    ("《论语》记录的是哪位思想家的言行？", "孔子|孔夫子"),
    ("化学符号 H 表示哪种元素？", "氢"),
    ("化学符号 Fe 表示哪种元素？", "铁"),
    ("化学符号 C 表示哪种元素？", "碳"),
    ("太阳系中最大的行星叫什么？", "木星|Jupiter"),
    ("太阳系中离太阳最近的行星叫什么？", "水星|Mercury"),
    ("冬天之后是哪个季节？", "春天|春季|春"),
    ("“快”的反义词是什么？", "慢"),
    ("“高”的反义词是什么？", "低|矮"),
    ("英语单词 book 的中文意思是什么？", "书|书籍|书本"),
    ("英语单词 water 的中文意思是什么？", "水"),
    ("英语单词 teacher 的中文意思是什么？", "老师|教师"),
    ("世界上面积最大的海洋是哪个？", "太平洋|Pacific"),
    ("世界上面积最大的国家是哪个？", "俄罗斯|俄国|Russia"),
    ("长城在哪个国家？", "中国|中华人民共和国|China"),
    ("埃菲尔铁塔在哪个城市？", "巴黎|Paris"),
    ("日本使用什么货币？", "日元|日圆|yen"),
    ("中国使用什么货币？", "人民币|元"),
    ("蜜蜂酿造的甜味食物叫什么？", "蜂蜜|蜜"),
    ("人体中负责泵血的器官叫什么？", "心脏|心"),
    ("水结成的固体叫什么？", "冰"),
    ("发明电灯泡的著名美国发明家是谁？", "爱迪生|Edison"),
)

FACTS: dict[Split, dict[Language, tuple[Fact, ...]]] = {
    "train": {"en": _TRAIN_EN, "zh": _TRAIN_ZH},
    "report": {"en": _REPORT_EN, "zh": _REPORT_ZH},
}
