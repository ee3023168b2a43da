"""What folders' names say about splits: the many ways in which people write train, val and test."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.data.listing import TEST, TRAIN, VAL

UNLABELLED = 3  # beside the codes of the official splits: pictures to predict, without labels
# English first; then French, German, Spanish, Portuguese, Italian, Dutch, Turkish, Polish, Russian,
# Chinese, Japanese and Korean, without accents.
_WORDS: dict[int, tuple[str, ...]] = {
    TRAIN: (
        *("train", "training", "trainings", "trn", "tr", "learn", "learning"),
        *("entrainement", "apprentissage", "entrenamiento", "treino", "treinamento"),
        *("addestramento", "egitim", "treningowy", "treningowe", "обучение", "обучающая"),
        *("обучающие", "тренировка", "тренировочная", "тренировочные"),
        *("训练", "訓練", "学習", "学习", "トレーニング", "학습", "훈련"),
    ),
    VAL: (
        *("val", "valid", "validation", "validate", "dev", "holdout"),
        *("validierung", "validierungs", "validacion", "validacao", "validazione", "validatie"),
        *("dogrulama", "walidacja", "walidacyjny", "валидация", "валидационная"),
        *("验证", "驗證", "検証", "검증"),
    ),
    TEST: (
        *("test", "testing", "tst", "te", "eval", "evaluation"),
        *(
            "pruefung",
            "prufung",
            "essai",
            "essais",
            "prueba",
            "pruebas",
            "teste",
            "testes",
            "prova",
            "testowy",
        ),
        *("testowe", "тест", "тестовая", "тестовые", "тестирование"),
        *("测试", "測試", "テスト", "評価", "테스트", "시험", "평가"),
    ),
    UNLABELLED: ("pred", "predict", "prediction", "unlabelled", "unlabeled", "unlabel", "unsup"),
}
# Beside them: names of pictures without a label that may be a class's, too, unless others tell.
TO_LABEL = frozenset(
    "unsorted unclassified uncategorised uncategorized unannotated unknown todo inbox incoming new"
    " pending".split()
)
_HELD_OUT = re.compile(r"hold[\W_]*out", re.IGNORECASE)
_AFTER = (
    "set|sets|s|data|dataset|image|images|img|imgs|picture|pictures|pics|split|folder|daten|bilder"
    "|satz|集|数据|用|データ|데이터"
)
_BEFORE = "data|dataset|image|images|img|imgs"
_SAMPLE = re.compile("sample|samples|small|mini|tiny|toy|subset|debug|demo|example|examples")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")


def _plain(text: str) -> str:
    """The text without accents: é is e, й is и."""
    apart = unicodedata.normalize("NFD", text)
    bare = "".join(sign for sign in apart if not "\u0300" <= sign <= "\u036f")
    return unicodedata.normalize("NFC", bare)


_ROLES = {
    code: re.compile(f"(?:{_BEFORE})?(?:{'|'.join(map(_plain, words))})(?:{_AFTER})*")
    for code, words in _WORDS.items()
}


def words_of(name: str) -> frozenset[str]:
    """The words in a name, in small letters and without accents.

    >>> sorted(words_of("rawData_64"))
    ['data', 'raw']
    """
    return frozenset(word.lower() for word in _PARTS.findall(_plain(name)))


class Role(NamedTuple):
    """The split that a folder's name means, TRAIN, VAL, TEST or UNLABELLED, and whether it calls
    itself a sample of it.
    """

    code: int
    is_sample: bool = False


def role_of(name: str) -> Role | None:
    """What a folder's name says: 'seg_train', 'trainingSet', 'test_images_2'. None if it says
    nothing, or two things.

    >>> role_of("trainingSample"), role_of("kittens"), role_of("train_or_test")
    (Role(code=0, is_sample=True), None, None)
    >>> role_of("Validación"), role_of("テスト"), role_of("Trainingsdaten")
    (Role(code=1, is_sample=False), Role(code=2, is_sample=False), Role(code=0, is_sample=False))
    """
    words = [word.lower() for word in _PARTS.findall(_plain(name))]
    codes = {code for word in words for code, form in _ROLES.items() if form.fullmatch(word)}
    if len(codes) == 2 and codes == {TRAIN, VAL} and "trainval" in "".join(words):
        codes = {TRAIN}  # what is left when the test images are taken away
    if len(codes) != 1:
        return None
    return Role(codes.pop(), any(_SAMPLE.fullmatch(word) for word in words))


def roles_of(names: Iterable[str]) -> dict[str, Role]:
    """What names that lie beside each other say, of those that say something. `holdout` is for
    validation, or the test where another one is for validation and none for the test.

    >>> [role.code for role in roles_of(["train", "dev", "holdout"]).values()] == [TRAIN, VAL, TEST]
    True
    """
    roles = {name: role for name in names if (role := role_of(name))}
    held = {name for name, role in roles.items() if role.code == VAL and _HELD_OUT.search(name)}
    others = {role.code for name, role in roles.items() if name not in held}
    if VAL in others and TEST not in others:
        roles |= {name: roles[name]._replace(code=TEST) for name in held}
    return roles


def held_out_by_folders(name: str) -> int:
    """The split that a picture's folders say; test, where they say nothing."""
    roles = [role for folder in name.split("/")[:-1] if (role := role_of(folder))]
    return next((role.code for role in roles if role.code != UNLABELLED), TEST)


def own_split(name: str) -> int | None:
    """The split that a table's name or folder says: trainLabels.csv."""
    folder, _, last = name.rpartition("/")
    parts = (last.rpartition(".")[0], *folder.split("/")[::-1])
    return next((role.code for part in parts if (role := role_of(part))), None)


def splits_by_folders(names: Sequence[str], positions: Sequence[int]) -> dict[int, int]:
    """The split of each picture at some positions by the folders that it lies in, where these name
    train and another one.
    """
    roles = {
        position: role.code
        for position in positions
        for folder in names[position].split("/")[:-1]
        if (role := role_of(folder)) and role.code != UNLABELLED
    }
    codes = set(roles.values())
    return roles if TRAIN in codes and len(codes) > 1 else {}
