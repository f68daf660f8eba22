"""Reads an English question: what is asked for, what is denied, and its words without form words, each in one form."""

from __future__ import annotations

from zhongshu.caches.guard.reading import Reading, listed

# Words that say nothing about what is asked; question words and negations are looked at first.
_FORM = frozenset(
    listed(
        "a an the this that these those it its i me my mine we us our you your he she him they them is am "
        "are was were be been being do does did doing done have has had having will would shall should can could may might "
        "must ought of in on at by for with about as into onto to and between so too also just please kindly hi hello "
        "hey there here then thus well exactly actually really basically simply quickly easily properly what whats which "
        "who whom whose when where why how howto if any some very much tell explain describe show give let know help need "
        "want wish try wonder wondering ask asking possible able go mean means meaning meant define defined definition "
        "stand stands concept get got getting use using used ones thing things something anything someone anyone somebody "
        "people person thanks thank ok okay overview introduction currently"
    )
)
_NOT = frozenset(
    listed(
        "not no never none neither nor without cannot can't cant don't dont doesn't doesnt didn't didnt isn't isnt aren't "
        "arent wasn't wasnt weren't won't wont wouldn't shouldn't shouldnt couldn't mustn't haven't hasn't hadn't except unless"
    )
)
_DIRECTED = frozenset(listed("to into from than over versus vs before after convert translate beat beats"))
# Same meaning wherever they stand in a question. Opposites, names and units are never here.
_SAME = (
    "change alter modify",
    "fix repair solve resolve",
    "delete remove erase",
    "create make",
    "begin start commence",
    "end finish complete",
    "buy purchase",
    "big large",
    "small little",
    "error fault",
    "problem trouble",
    "picture image photo photograph",
    "car automobile",
    "film movie",
    "phone telephone",
    "pc computer",
    "recover restore",
    "happen occur",
    "largest biggest",
    "smallest littlest",
    "colour color",
    "favourite favorite",
    "enable activate",
    "disable deactivate",
    "reason cause",
    "difference differ different distinguish distinction",
    "advantage benefit pro upside",
    "disadvantage drawback con downside",
    "obtain acquire",
    "quick fast rapid",
    "cost price",
    "choose pick select",
    "verify confirm",
    "sign symptom indication",
    "flu influenza",
    "doctor physician",
    "kid child children",
    "important significant",
    "lower reduce decrease lessen",
    "increase boost",
    "find locate",
    "write written wrote author writer",
    "invent inventor invention invented",
    "discover discoverer discovery",
    "inhabitant population inhabitants",
    "tall height high",
    "boil boiling",
    "freeze freezing",
    "forget forgot forgotten",
    "begin beginning",
    "run execute",
    "login log-in signin sign-in",
    "refund money-back",
    "folder directory",
    "screenshot screengrab",
    "javascript js",
    "python py",
    "database db",
    "repo repository",
    "usa america",
    "uk britain",
)
_ONE_FORM = {word: group.split()[0] for group in _SAME for word in group.split()}
_IRREGULAR = {
    "was": "be", "children": "child", "men": "man", "women": "woman", "people": "person", "mice": "mouse", "feet": "foot",
    "teeth": "tooth", "wrote": "write", "written": "write", "made": "make", "bought": "buy", "built": "build",
    "found": "find", "lost": "lose", "began": "begin", "ran": "run", "sent": "send", "paid": "pay", "broke": "break",
    "broken": "break", "chosen": "choose", "chose": "choose", "grew": "grow", "grown": "grow", "felt": "feel",
    "kept": "keep", "left": "left", "news": "news", "gas": "gas", "bus": "bus", "always": "always", "series": "series",
}  # fmt: skip
_KINDS = {
    "why": "why", "when": "when", "where": "where", "who": "who", "whom": "who", "whose": "who", "which": "",
    "how": "how", "howto": "how",
}  # fmt: skip
_AMOUNTS = {
    "many": "how many", "much": "how many", "long": "how long", "far": "how far", "old": "how old", "often": "how often",
    "tall": "how tall", "big": "how big", "large": "how big", "deep": "how deep", "fast": "how fast", "heavy": "how heavy",
    "high": "how tall", "come": "why",
}  # fmt: skip
# "What is the height of X" asks how tall X is.
_MEASURES = {
    "height": "how tall", "distance": "how far", "number": "how many", "size": "how big", "speed": "how fast",
    "age": "how old", "frequency": "how often", "frequently": "how often", "weight": "how heavy", "depth": "how deep",
}  # fmt: skip
# Before these, "way", "steps" and the like are nouns and say only that a manner is asked for.
_ARTICLES = frozenset(listed("the a an best right correct proper good easiest some any what which me short brief"))
_MINE = frozenset(listed("my mine our ours"))
_YOURS = frozenset(listed("your yours"))
_AUXILIARIES = frozenset(listed("do did does am are was were have had will should must can could would"))
_COPULA = frozenset(listed("is are was were am be"))
_ABLE = frozenset(listed("can could able possible may might allowed"))
_OUGHT = frozenset(listed("should must need needs ought required necessary"))
_HOW_NOUNS = frozenset(
    listed("way ways method methods step steps procedure process approach instructions guide tutorial")
)
_POLITE = frozenset(listed("can could would will please kindly may"))
_ASKS = frozenset(listed("is are was were am do does did can could should will would has have may might must shall"))
_TELLING = frozenset(listed("tell explain show help describe give let walk teach"))


def read(pieces: list[str]) -> Reading:
    """Read the pieces of a question."""
    words = _expanded(pieces)
    kind, taken = _kind(words)
    kept = [_form(word) for at, word in enumerate(words) if at not in taken and not _empty(words, at)]
    return Reading(
        kind=kind,
        denied=sum(word in _NOT for word in words),
        words=[word for word in kept if word],
        directed=bool(_DIRECTED & set(words)) or not (kind == "how" or _COPULA & set(words)),
        persons=_persons(words, kind),
    )


def _persons(words: list[str], kind: str) -> frozenset[str]:
    """Of whom it speaks: my or your; and who does it, but for "how do I" and "how do you", which are the same."""
    found = {"I" for word in words if word in _MINE} | {"you" for word in words if word in _YOURS}
    for at, word in enumerate(words[1:], 1):
        before, after = words[at - 1], words[at + 1] if at + 1 < len(words) else ""
        if word in ("me", "us") and before not in _TELLING:
            found.add("me")
        elif kind != "how" and word in ("i", "we", "you") and before in _AUXILIARIES and after not in _TELLING:
            found.add("you" if word == "you" else "I")
    return frozenset(found)


def _empty(words: list[str], at: int) -> bool:
    """Whether a word says nothing of what is asked."""
    word = words[at]
    if word in _FORM or word in _NOT:
        return True
    before = words[at - 1] if at else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    return (word in _HOW_NOUNS and before in _ARTICLES) or (word in _ARTICLES and after in _HOW_NOUNS)


def _expanded(pieces: list[str]) -> list[str]:
    """Possessives and joined forms apart: "france's" is france."""
    words: list[str] = []
    for piece in pieces:
        if piece.endswith("'s"):
            words.append(piece[:-2])
            if piece[:-2] in _FORM:
                words.append("is")
        elif piece.endswith(("'re", "'ve", "'ll")) or piece in ("i'd", "i'm", "you'd"):
            words.append(piece.partition("'")[0])
        else:
            words.append(piece)
    return words


def _kind(words: list[str]) -> tuple[str, frozenset[int]]:
    """What is asked for, and the places of words that said so."""
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if word == "how" and following in _AMOUNTS:
            return _amount(words, at)
        if word == "how" and {"differ", "different"} & set(words):
            return "", frozenset()
        if word == "how" and "frequently" in words:
            return "how often", frozenset({words.index("frequently")})
        if word == "what" and following in ("time", "date", "year", "day"):
            return "when", frozenset({at + 1})
        if word == "what" and "reason" in words[at : at + 5]:
            return "why", frozenset({words.index("reason", at)})
        if word in _KINDS and not (word in ("when", "where", "who", "which", "whose") and at and _relative(words[:at])):
            return _KINDS[word], frozenset()
    if _yes_or_no(words):
        return _modal(words), frozenset()
    for at, word in enumerate(words):
        if word in _MEASURES and "what" in words:
            return _MEASURES[word], frozenset({at})
    return ("how" if "help" in words or any(word in _HOW_NOUNS for word in words) else ""), frozenset()


def _amount(words: list[str], at: int) -> tuple[str, frozenset[int]]:
    """ "How much does X cost" asks for X's cost; "how long does it take" needs no "take"."""
    kind = _AMOUNTS[words[at + 1]]
    if words[at + 1] == "much" and {"cost", "costs", "price"} & set(words):
        return "", frozenset({at + 1})
    taking = {
        place for place, word in enumerate(words) if kind == "how long" and word in ("take", "takes", "last", "lasts")
    }
    return kind, frozenset({at + 1, *taking})


def _modal(words: list[str]) -> str:
    """Whether something is so, can be, or should be."""
    if _ABLE & set(words):
        return "can it be"
    return "should it be" if _OUGHT & set(words) else "is it so"


def _relative(before: list[str]) -> bool:
    """Whether a question word in the middle only joins: what comes before is neither a preposition nor a plea."""
    return not (set(before) & (_TELLING | {"know", "wonder", "wondering", "me", "by", "from", "since", "to", "and"}))


def _yes_or_no(words: list[str]) -> bool:
    begin = [word for word in words[:6] if word not in ("hi", "hello", "hey", "please", ",", "!", ".")]
    if not begin or begin[0] not in _ASKS:
        return False
    plea = begin[0] in _POLITE and len(begin) > 1 and begin[1] == "you"
    return not (plea and any(word in _TELLING for word in begin[2:5]))


def _form(word: str) -> str:
    """One form of a word: singular, infinitive, the first of its synonyms."""
    if word in _ONE_FORM:
        return _ONE_FORM[word]
    bare = _IRREGULAR.get(word) or _stem(word)
    return _ONE_FORM.get(bare, "" if bare in _FORM else bare)


def _stem(word: str) -> str:
    """Without the ending of a plural, a past or a progressive form (after Porter 1980, steps 1a and 1b)."""
    if not word.isascii() or not word.isalpha() or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        stem = word[: -len(ending)]
        if word.endswith(ending) and len(stem) >= 3 and any(vowel in stem for vowel in "aeiouy"):
            return _mended(stem)
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def _mended(stem: str) -> str:
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    return stem[:-1] if stem.endswith("e") and len(stem) > 4 else stem
