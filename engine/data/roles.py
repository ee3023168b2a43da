"""What folders' names say about splits: the many ways in which people write train, val and test."""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.data.listing import TEST, TRAIN, VAL

UNLABELLED = 3  # beside the codes of the official splits: pictures to predict, without labels
_WORDS: dict[int, tuple[str, ...]] = {
    TRAIN: ("train", "training", "trn", "tr", "learn", "learning", "训练"),
    VAL: ("val", "valid", "validation", "validate", "dev", "holdout", "验证"),
    TEST: ("test", "testing", "tst", "te", "eval", "evaluation", "测试"),
    UNLABELLED: ("pred", "predict", "prediction", "unlabelled", "unlabeled", "unlabel", "unsup"),
}
_AFTER = "set|sets|s|data|dataset|image|images|img|imgs|picture|pictures|pics|split|folder|集"
_BEFORE = "data|dataset|image|images|img|imgs"
_ROLES = {
    code: re.compile(f"(?:{_BEFORE})?(?:{'|'.join(words)})(?:{_AFTER})*")
    for code, words in _WORDS.items()
}
_SAMPLE = re.compile("sample|samples|small|mini|tiny|toy|subset|debug|demo|example|examples")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")


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
    """
    words = [word.lower() for word in _PARTS.findall(name)]
    codes = {code for word in words for code, form in _ROLES.items() if form.fullmatch(word)}
    if len(codes) == 2 and codes == {TRAIN, VAL} and "trainval" in "".join(words):
        codes = {TRAIN}  # what is left when the test images are taken away
    if len(codes) != 1:
        return None
    return Role(codes.pop(), any(_SAMPLE.fullmatch(word) for word in words))
