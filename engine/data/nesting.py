"""Folders in folders: which of them only wrap others, and whether the classes lie a level below
what is no class, by structure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.data.listing import TEST, TRAIN, VAL
from engine.data.roles import role_of, words_of

PLAIN_FOLDERS = frozenset("image images img imgs picture pictures photos jpegimages".split())
COMMON = 0.8  # share of the pictures in folders that most of the folders above have
LARGER = 1.8  # times: published splits are 60 to 90% training images
_NUMBERED = re.compile(r"[\W_]*(\d+|(?<=_)[4-7][a-f])\W*$")  # NIST's train_4a, too
_PARTS = frozenset(
    "fold part batch shard chunk session writer user person subject author drawer participant"
    " student scan volume kfold writers users persons subjects dataset data images set size res"
    " resolution px dpi version v hsf form page sheet take round day".split()
)
_WITHIN = _PARTS | {"train", "test"}  # NIST's hsf_0 … hsf_7 and train_41 within a class
_VERSIONS = frozenset(
    "original originals orig raw clean cleaned noisy processed preprocessed resized rescaled"
    " binarized binarised binary grayscale greyscale gray grey color colour coloured colored bw"
    " inverted cropped uncropped thresholded enhanced filtered unfiltered augmented aug".split()
)
_NO_SPLITS = _VERSIONS | set("synthetic generated fake real small large big".split())
_SIZE = re.compile(r"\d+(x\d+)?(px)?", re.IGNORECASE)
_CHARACTER = re.compile(r"\d{1,2}|Sample\d{3}|.", re.IGNORECASE)


@dataclass
class Node:
    """A folder: the pictures in it, by number, and its folders."""

    folders: dict[str, Node] = field(default_factory=dict)
    files: list[int] = field(default_factory=list)

    def below(self) -> Iterator[int]:
        """The pictures in it and in its folders."""
        yield from self.files
        for folder in self.folders.values():
            yield from folder.below()


def unwrapped(node: Node, known: frozenset[str] = frozenset()) -> tuple[Node, int]:
    """The folder that `node` only wraps, and how many levels down it is: mnistTask in
    mnistTask/0/….jpg. A single folder of pictures is a class, not a wrapping; so is one that is
    called like a class in `known`, and `train` may be the only split.
    """
    depth = 0
    while len(node.folders) == 1 and not node.files:
        name, child = next(iter(node.folders.items()))
        loose = len(child.files)
        if not child.folders or name in known or loose > sum(1 for _ in child.below()) - loose:
            break
        if role_of(name) and is_split(child, name):
            break
        if loose and len(child.folders) == 1:
            break
        node, depth = child, depth + 1
    return node, depth


def inner_folder(node: Node, name: str, known: frozenset[str] = frozenset()) -> Node:
    """The folder with a split's classes: zipping often puts another train/ into train/."""
    mine = role_of(name)
    while len(node.folders) == 1 and not node.files:
        child_name, child = next(iter(node.folders.items()))
        again = child_name.lower() == name.lower() or (mine and role_of(child_name) == mine)
        if not again and (not child.folders or child.files or child_name in known):
            break
        node = child
    return node


def is_split(node: Node, name: str) -> bool:
    """Whether a folder holds folders of pictures."""
    return bool(inner_folder(node, name).folders)


def is_bare(split: Node, known: frozenset[str]) -> bool:
    """Whether a split's only folder says that pictures are in it, and no other split has it."""
    (name, *others) = split.folders
    return not others and len(known) > 1 and name.lower() in PLAIN_FOLDERS


def by_writers(splits: Mapping[str, Node]) -> set[str]:
    """The splits whose folders are writers' or parts, train/anna/7, as `crossed` tells them in one of
    them at least: in the others the classes are there, or nothing but folders.
    """
    found = {name for name, inner in splits.items() if None in (crossed(inner) or {}).values()}
    classes = {
        name
        for split in found
        for child in splits[split].folders.values()
        for name in child.folders
    }
    for name in splits.keys() - found:
        children = splits[name].folders
        if all(child.folders and not child.files for child in children.values()):
            found.add(name)
        elif not children.keys() <= classes:
            return set()
    return found if classes else set()


def crossed(top: Node) -> dict[str, int | None] | None:
    """What the folders at the top are, where all hold the same folders: splits (TRAIN, VAL, TEST),
    or writers (None). None if nothing tells that they are not the classes.

    Splits are two or three, the training images are the most of nearly every class, and names of
    splits do not differ by a number alone, nor say that they hold the same pictures in another
    form. Folders are writers' (or folds) if they say so and are numbered, or if the ones in them
    are called like characters and they are not.
    """
    names = list(top.folders)
    if len(names) < 2 or any(node.files or not node.folders for node in top.folders.values()):
        return None
    sizes = {
        name: {inner: sum(1 for _ in child.below()) for inner, child in node.folders.items()}
        for name, node in top.folders.items()
    }
    spread = Counter(inner for counts in sizes.values() for inner in counts)
    total = sum(sum(counts.values()) for counts in sizes.values())
    common = {inner for inner, count in spread.items() if 2 * count >= len(names)}
    shared = sum(
        count for each in sizes.values() for inner, count in each.items() if inner in common
    )
    if are_characters(names):
        return None
    several = all(len(counts) > 1 for counts in sizes.values())
    if several and not common and are_characters(spread) and not all(map(str.isdigit, spread)):
        return dict.fromkeys(names)  # digits/0 … 9 beside letters/A … Z
    if len(common) < 2 or shared < COMMON * total:
        return None
    if splits := _splits_by_size(sizes, common):
        return splits
    one_word = len({_NUMBERED.sub("", name).lower() for name in names}) == 1
    parts = (one_word and are_parts(names)) or are_versions(names)
    return dict.fromkeys(names) if parts or are_characters(spread) else None


def are_parts(names: Iterable[str]) -> bool:
    """Whether all are a word for a part and a number: fold_1, fold_2."""
    words = {_NUMBERED.sub("", name).lower() for name in names if _NUMBERED.search(name)}
    return bool(words) and words <= _WITHIN and all(map(_NUMBERED.search, names))


def are_versions(names: Iterable[str]) -> bool:
    """Whether all say that they hold the same pictures in another form: original, processed; 28px,
    64px.
    """
    names = list(names)
    sizes = all(map(_SIZE.fullmatch, names)) and len({len(name) > 2 for name in names}) == 1
    return any(words_of(name) & _VERSIONS for name in names) or sizes


def are_characters(names: Iterable[str]) -> bool:
    """Whether all are called like characters: 7, A, 41, Sample012."""
    return all(_CHARACTER.fullmatch(name) for name in names)


def _splits_by_size(
    sizes: dict[str, dict[str, int]], common: set[str]
) -> dict[str, int | None] | None:
    if len(sizes) > 3 or len({re.sub(r"\d+", "", name) for name in sizes}) < len(sizes):
        return None
    if any(words_of(name) & _NO_SPLITS for name in sizes):
        return None
    order = sorted(sizes, key=lambda name: -sum(sizes[name].values()))
    most, *others = order
    if sum(sizes[most].values()) < LARGER * sum(sizes[others[0]].values()):
        return None
    larger = [
        inner
        for inner in common
        if all(sizes[most].get(inner, 0) > sizes[other].get(inner, 0) for other in others)
    ]
    if len(larger) < COMMON * len(common):
        return None
    codes: dict[str, int | None] = {most: TRAIN, others[0]: TEST}
    return codes | ({others[1]: VAL} if len(others) > 1 else {})
