"""How likely text is in each encoding that names and tables have: a model of letters a language."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

RARE = 14.0  # nats: a character that names hardly ever hold
OTHER = 7.0  # nats: a letter that a language hardly ever writes
ALONE = 1.2  # nats: a letter with an accent that is a class of its own
# Of each language, in the order of how often they are written.
RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
UKRAINIAN = "оанитвеірслкдумпзягьбчйхцжїєюфшщґ"
GREEK = "αοιετσνηυρπκμλςωδγχθφβξζψάόίέήύώϊϋΐΰ"
HEBREW = "יוהלארתבמשנםדקעחפכגטסזצןךץף"
# The letters that a language of the West writes beside those of ASCII, in the same order.
WESTERN = {
    "French": "éàèêçâûùîôïëüœæÿ",
    "German": "üäöß",
    "Spanish": "óíáéñúü",
    "Portuguese": "ãçáéíóêõúâôà",
    "Italian": "àèùòéì",
    "Swedish": "äåöé",
    "Danish": "øåæé",
    "Dutch": "ëéïöüè",
}
CENTRAL = {
    "Polish": "łąęóżśćńź",
    "Czech": "íáéěřčžýšůúňťďó",
    "Slovak": "áíéčúžýšľťôňóďäĺŕ",
    "Hungarian": "áéöőóüíúű",
    "Romanian": "ăîşţâșț",
    "Croatian": "čšžćđ",
}
TURKISH = {"Turkish": "ıüşğöçâî"}
# In the order of the alphabet: classes are often its first letters, or all.
ALPHABETS = (
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "αβγδεζηθικλμνξοπρσςτυφχψω",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
)

# Characters that names hold more often than the thousands of others: those that Japanese schools
# teach in the first two years, and the commonest of Chinese and of Korean texts.
KANJI = frozenset(
    "一右雨円王音下火花貝学気九休玉金空月犬見五口校左三山子四糸字耳七車手十出女小上森人水正生青夕石"
    "赤千川先早草足村大男竹中虫町天田土二日入年白八百文木本名目立力林六引羽雲園遠何科夏家歌画回会海"
    "絵外角楽活間丸岩顔汽記帰弓牛魚京強教近兄形計元言原戸古午後語工公広交光考行高黄合谷国黒今才細作"
    "算止市矢姉思紙寺自時室社弱首秋週春書少場色食心新親図数西声星晴切雪船線前組走多太体台地池知茶昼"
    "長鳥朝直通弟店点電刀冬当東答頭同道読内南肉馬売買麦半番父風分聞米歩母方北毎妹万明鳴毛門夜野友用"
    "曜来里理話"
)
HANZI = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发"
    "后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开"
    "但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并"
    "物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先"
    "海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少字花"
    "北京南猫狗鸟鱼牛羊虎龙兔车船飞火土石田木川红绿蓝白黑黄春夏秋冬左右笔写训练测试验图像"
)

HANGUL = frozenset(
    "가각간갈감강개거건검것게경계고공과관교구국군그글금급기길김꽃나날남내너년노는니다단달당대더데도독동되"
    "두드들등디라람랑래러럼레려력로료류르른를름리린마만말망매머면명모목무문물미민바박반발방배백버법변별"
    "병보복본부북분불비사산살삼상새생서석선설성세소속손송수숫순술스습승시식신실심싱아안알애야약양어언얼"
    "업에여역연영예오온와완외요용우운울원월위유육음의이인일임입있자작잔장재저적전절점정제조족종주중즈지"
    "직진집차참창책처천철첫청체초총추출치친카코크키타탄터테토통트특파판편평표품피필하학한할합항해행향험혁"
    "현형호화확환활회효후훈휴히힘개닭돼양토끼말뱀쥐소곰"
)


class Model(NamedTuple):
    """What a language in an encoding costs: `prior` from the start, and each character by
    `surprise(letter, raw, alone)`, where raw are its bytes and alone says that nothing is beside
    it. All in nats.
    """

    prior: float
    surprise: Callable[[str, bytes, bool], float]


def _written(letters: str) -> Callable[[str, bytes, bool], float]:
    """Surprise of a script's `letters`, by how often they are written: the n-th one a n-th as often
    as the first, as Zipf's law has it of words. Alone, each is as likely.
    """
    ranks = {letter: rank for rank, letter in enumerate(letters, 1)}
    whole = sum(1 / rank for rank in ranks.values())

    def surprise(letter: str, raw: bytes, alone: bool) -> float:
        small = letter.lower()
        if small not in ranks:
            return RARE
        often = math.log(len(ranks) if alone else ranks[small] * whole)
        return often + math.log(1.25 if letter == small or alone else 5)

    return surprise


def _accents(letters: str) -> Callable[[str, bytes, bool], float]:
    """Surprise of the letters that a language writes beside those of ASCII."""
    ranks = {letter: rank for rank, letter in enumerate(letters, 1)}
    whole = sum(1 / rank for rank in ranks.values())

    def surprise(letter: str, raw: bytes, alone: bool) -> float:
        small = "i" if letter == "İ" else letter.lower()
        if small not in ranks and letter != "İ":
            return (OTHER + 2.5 * alone) if letter.isalpha() else RARE
        if alone:
            return ALONE + math.log(len(ranks))
        often = math.log(ranks.get(small, 3) * whole)
        return often + math.log(1.25 if letter == small else 5)

    return surprise


def _double_byte(
    first: int,
    last: int,
    size: int,
    second_from: int = 0xA1,
    common: frozenset[str] = frozenset(),
) -> Callable[[str, bytes, bool], float]:
    """Surprise of a set whose everyday characters have lead bytes first..last: `size` of them. Of a
    text, half are `common`.
    """
    if common:
        size = 2 * (size - len(common))

    def surprise(letter: str, raw: bytes, alone: bool) -> float:
        if letter in common:
            return math.log(2 * len(common))
        if len(raw) == 2 and first <= raw[0] <= last and raw[1] >= second_from:
            return math.log(size)
        return RARE

    return surprise


def _japanese(letter: str, raw: bytes, alone: bool) -> float:
    if "\u3040" <= letter <= "\u30ff":
        return math.log(2 * 170)
    if len(raw) == 2 and 0x88 <= raw[0] <= 0x97:
        return _kanji(letter)
    return 6.0 if "\uff66" <= letter <= "\uff9d" else RARE  # narrow katakana are a nuisance


def _japanese_unix(letter: str, raw: bytes, alone: bool) -> float:
    if "\u3041" <= letter <= "\u30fc":
        return math.log(2 * 170)
    return _kanji(letter) if len(raw) == 2 and 0xB0 <= raw[0] <= 0xCF else RARE


def _kanji(letter: str) -> float:
    """Of a text, half is kana, a quarter are common kanji."""
    return math.log(4 * (len(KANJI) if letter in KANJI else 2965 - len(KANJI)))


def _languages(prior: float, letters: dict[str, str]) -> tuple[Model, ...]:
    return tuple(Model(prior, _accents(one)) for one in letters.values())


# Windows packs zips in its region's DOS encoding, so those of Western Europe and Russia are cp850,
# cp866.
ENCODINGS: dict[str, tuple[Model, ...]] = {
    "cp932": (Model(0.0, _japanese),),
    "euc_jp": (Model(1.0, _japanese_unix),),
    "gbk": (Model(0.0, _double_byte(0xB0, 0xD7, 3755, common=HANZI)),),
    "big5": (Model(0.5, _double_byte(0xA4, 0xC6, 5401, second_from=0x40)),),
    "euc_kr": (Model(1.2, _double_byte(0xB0, 0xC8, 2350, common=HANGUL)),),
    "cp1251": (Model(0.5, _written(RUSSIAN)), Model(2.0, _written(UKRAINIAN))),
    "cp866": (Model(0.5, _written(RUSSIAN)),),
    "koi8_r": (Model(6.0, _written(RUSSIAN)),),
    "cp1253": (Model(1.5, _written(GREEK)),),
    "cp737": (Model(1.5, _written(GREEK)),),
    "cp1255": (Model(0.5, _written(HEBREW)),),
    "cp862": (Model(2.0, _written(HEBREW)),),
    "cp1250": _languages(1.5, CENTRAL),
    "cp852": _languages(2.5, CENTRAL),
    "cp1254": _languages(2.5, TURKISH),
    "cp857": _languages(3.0, TURKISH),
    "cp1252": _languages(0.5, WESTERN),
    "cp850": _languages(0.8, WESTERN),
    "cp437": _languages(1.5, WESTERN),
}
