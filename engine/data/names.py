"""Names of files and folders whose encoding nobody recorded: in zips without the UTF-8 flag, and on
disks written by other systems.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

MOST_LOOKED_AT = 2_000  # different parts of paths
RARE = 14.0  # nats: a character that names hardly ever hold
ASCII = math.log(64)
# Letters that the languages of Western Europe write often; the others are as rare as four in one.
ACCENTED = frozenset("éèêëàâäáçñöóôüúíïøåæßœãõ")
CENTRAL = frozenset("ąćęłńóśźżáčďéěíňřšťúůýžľĺŕôäöőüűâăîșțşţ")
TURKISH = frozenset("çğıöşü")
ALONE = frozenset("éèàßäöü")  # those that are taught as characters of their own


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


class Decoded(NamedTuple):
    """names in Unicode's composed form (NFC); the encoding they were in, and whether it was guessed;
    parts of paths that were there in two forms, which are one now.
    """

    names: list[str]
    encoding: str
    guessed: bool
    joined: tuple[str, ...] = ()


def decode_names(raw: Sequence[bytes], sure: Sequence[bool] = ()) -> Decoded:
    """Paths as text. Bytes that are valid UTF-8 are UTF-8; otherwise the encoding under which all
    of the names are likeliest is taken for all of them, and '�' stands for what it can't explain.

    sure  of each name, whether something says that it is UTF-8; empty: nothing says so
    """
    try:
        names = [name.decode("utf-8") for name in raw]
        return Decoded(list(map(composed, names)), "utf-8", False, two_forms(names))
    except UnicodeDecodeError:
        known = list(sure) or [False] * len(raw)
        encoding = guess_encoding(
            [name for name, is_sure in zip(raw, known, strict=True) if not is_sure]
        )
    names = [
        composed(name.decode("utf-8" if is_sure else encoding, "replace"))
        for name, is_sure in zip(raw, known, strict=True)
    ]
    return Decoded(names, encoding, True)


def two_forms(names: Iterable[str]) -> tuple[str, ...]:
    """The folders and files, composed, whose names are there in two forms of Unicode."""
    apart = {part for name in names if not name.isascii() for part in name.split("/")}
    counts = Counter(map(composed, apart))
    return tuple(sorted(part for part, count in counts.items() if count > 1))


def composed(name: str) -> str:
    """The name with each letter and its accents as one character (NFC), as most systems write it;
    macOS writes them apart.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def guess_encoding(raw: Sequence[bytes]) -> str:
    """The likeliest of ENCODINGS for names of which not all are UTF-8.

    Each encoding is a model: a character of its everyday set is drawn evenly from that set, any
    other costs RARE nats. Lists of one to four words hold no more evidence than that: of 51 such
    lists in eight encodings that the costs were first not chosen on, 49 were decoded rightly; common
    characters and the other encodings were added since.
    """
    parts = {part for name in raw for part in name.split(b"/") if not part.isascii()}
    looked_at = sorted(parts)[:MOST_LOOKED_AT]
    costs = {
        encoding: prior + sum(_cost(part, encoding, surprise) for part in looked_at)
        for encoding, (prior, surprise) in ENCODINGS.items()
    }
    return min(costs, key=costs.__getitem__)


def _cost(part: bytes, encoding: str, surprise: Callable[[str, bytes], float]) -> float:
    try:
        text = part.decode(encoding)
    except UnicodeDecodeError:
        return 4 * RARE + ASCII * len(part)  # more than any text of as many bytes
    total = 1.5 if text.isupper() else 0.0
    text = text.lower() if text.isupper() else text
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if letter.isascii():
            total += ASCII
            continue
        total += surprise(letter, letter.encode(encoding, "replace"))
        beside = [other for other in (before, after) if other.isascii() and other.isalpha()]
        script = unicodedata.name(letter, "").split(" ")[0]
        if script == "LATIN" and not beside and letter not in ALONE:
            total += 2.5
        elif script != "LATIN":
            total += 3.0 * len(beside)  # words are of one script
        if script in ("LATIN", "CYRILLIC") and letter.isupper() and before.islower():
            total += 3.0
    return total


def _double_byte(
    first: int,
    last: int,
    size: int,
    second_from: int = 0xA1,
    common: frozenset[str] = frozenset(),
) -> Callable[[str, bytes], float]:
    """Surprise of a set whose everyday characters have lead bytes first..last: `size` of them. Of a
    text, half are `common`.
    """
    if common:
        size = 2 * (size - len(common))

    def surprise(letter: str, raw: bytes) -> float:
        if letter in common:
            return math.log(2 * len(common))
        if len(raw) == 2 and first <= raw[0] <= last and raw[1] >= second_from:
            return math.log(size)
        return RARE

    return surprise


def _japanese(letter: str, raw: bytes) -> float:
    if "\u3040" <= letter <= "\u30ff":
        return math.log(2 * 170)
    if len(raw) == 2 and 0x88 <= raw[0] <= 0x97:
        return _kanji(letter)
    return 6.0 if "\uff66" <= letter <= "\uff9d" else RARE  # narrow katakana are a nuisance


def _japanese_unix(letter: str, raw: bytes) -> float:
    if "\u3041" <= letter <= "\u30fc":
        return math.log(2 * 170)
    return _kanji(letter) if len(raw) == 2 and 0xB0 <= raw[0] <= 0xCF else RARE


def _kanji(letter: str) -> float:
    """Of a text, half is kana, a quarter are common kanji."""
    return math.log(4 * (len(KANJI) if letter in KANJI else 2965 - len(KANJI)))


def _cyrillic(letter: str, raw: bytes) -> float:
    if not "\u0401" <= letter <= "\u0451":
        return RARE
    return math.log(33 * 1.25) if letter.islower() else math.log(33 * 5)


def _letters(first: str, last: str, count: int) -> Callable[[str, bytes], float]:
    """Surprise of a script of `count` letters between two characters."""

    def surprise(letter: str, raw: bytes) -> float:
        if not (first <= letter <= last and (letter.isalpha() or unicodedata.combining(letter))):
            return RARE
        return math.log(count * (5 if letter.isupper() else 1.25))

    return surprise


def _central_european(letter: str, raw: bytes) -> float:
    if not letter.isalpha():
        return RARE
    usual = letter.lower() in CENTRAL
    return math.log(len(CENTRAL) * (1.25 if letter.islower() else 5) * (1 if usual else 8))


def _turkish(letter: str, raw: bytes) -> float:
    if not letter.isalpha():
        return RARE
    usual = letter.lower() in TURKISH or letter == "İ"
    return math.log(len(TURKISH) * (1.25 if letter.islower() else 5) * (1 if usual else 12))


def _latin(letter: str, raw: bytes) -> float:
    if not letter.isalpha():
        return RARE
    usual = letter.lower() in ACCENTED
    return math.log(len(ACCENTED) * (1.25 if letter.islower() else 5) * (1 if usual else 8))


# encoding → what is against it from the start (nats), and the surprise of each character. Windows
# packs zips in its region's DOS encoding, so those of Western Europe and Russia are cp850, cp866.
ENCODINGS: dict[str, tuple[float, Callable[[str, bytes], float]]] = {
    "cp932": (0.0, _japanese),
    "euc_jp": (1.0, _japanese_unix),
    "gbk": (0.0, _double_byte(0xB0, 0xD7, 3755, common=HANZI)),
    "big5": (0.5, _double_byte(0xA4, 0xC6, 5401, second_from=0x40)),
    "euc_kr": (1.2, _double_byte(0xB0, 0xC8, 2350, common=HANGUL)),
    "cp1251": (0.5, _cyrillic),
    "cp866": (0.5, _cyrillic),
    "koi8_r": (6.0, _cyrillic),
    "cp1253": (1.5, _letters("\u0384", "\u03ce", 33)),
    "cp737": (1.5, _letters("\u0384", "\u03ce", 33)),
    "cp1250": (2.5, _central_european),
    "cp852": (2.5, _central_european),
    "cp1254": (5.0, _turkish),
    "cp857": (5.0, _turkish),
    "cp1252": (0.5, _latin),
    "cp850": (1.0, _latin),
    "cp437": (1.5, _latin),
}
