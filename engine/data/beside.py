"""Folders that lie beside the one that holds the class folders: scans of whole pages, pictures that
nobody has labelled yet, and other versions of the same pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.data.nesting import Node, are_characters, are_parts, is_split, unwrapped
from engine.data.roles import TO_LABEL, Role, role_of, words_of

# What people call the folder that holds the class folders, and what lies beside it in no class.
_HOLDERS = frozenset(
    "labelled labeled labels annotated annotations sorted classified classes class categories"
    " category cells crops cropped tiles patches segments segmented extracted letters characters"
    " chars digits glyphs symbols signs dataset data set images imgs pictures samples known".split()
)
_LOOSE = TO_LABEL | frozenset(
    "scan scans scanned raw page pages form forms sheet sheets source sources original originals"
    " misc extra extras rest other others background backgrounds photo photos full whole document"
    " documents docs screenshot screenshots preview previews thumbnail thumbnails example examples"
    " mask masks template templates backup archive old rejected discarded bad trash".split()
)
_COPIES = frozenset(
    "augmented aug augment augmentation augmentations rotated flipped distorted perturbed jittered"
    " mirrored warped sheared".split()
)
NO_CLASSES = "it lies in no class folder, beside the folders that hold them"
COPIES = "it is a changed copy of a picture in the folders beside it"


class Apart(NamedTuple):
    """inner  what is left at the top
    aside   folders that hold no classes, with the reason why their pictures are left out; None of
            those whose pictures have no label
    """

    inner: Node
    aside: dict[str, str | None]


def set_apart(top: Node) -> Apart | None:
    """The folders at the top without those that hold no classes; None if all may be classes, or
    hold them.

    `cells/A`, `cells/B` beside `scans/1.png`: the classes are A and B. A class may have folders of
    its own beside classes that have none (`bird/x`, `bird/y`, `cat`, `dog`), so that names have to
    say what is meant, or the folders within are called like characters.
    """
    holding = [name for name, node in top.folders.items() if _holds_classes(node)]
    copies = {name for name in holding if _is_copy(name, top)}
    loose = [
        name
        for name in top.folders
        if name not in holding or (_is_loose(name) and not _shared(name, top, holding))
    ]
    holding = [name for name in holding if name not in copies and name not in loose]
    if not holding:
        return None
    if loose and not _may_be_set_apart(top, holding, loose):
        loose = []
    aside: dict[str, str | None] = dict.fromkeys(copies, COPIES)
    aside |= {name: None if _is_to_label(name) else NO_CLASSES for name in loose}
    if not aside and not (top.files and len(top.folders) == 1):
        return None
    kept = {name: node for name, node in top.folders.items() if name not in aside}
    whole = Node(kept)
    return Apart(unwrapped(whole)[0], aside)


def copies_of(splits: Mapping[str, Role]) -> dict[str, str]:
    """The splits that hold changed copies of another one's pictures, with that: train_augmented
    beside train.
    """
    copied = {name for name in splits if words_of(name) & _COPIES}
    whole = {role.code: name for name, role in splits.items() if name not in copied}
    return {n: whole[splits[n].code] for n in splits if n in copied and splits[n].code in whole}


def _holds_classes(node: Node) -> bool:
    inner = unwrapped(node)[0]
    is_one_split = len(inner.folders) == 1 and all(
        role_of(name) and is_split(child, name) for name, child in inner.folders.items()
    )
    few = 10 * len(inner.files) <= sum(1 for _ in inner.below())
    return few and (len(inner.folders) > 1 or is_one_split)


def _may_be_set_apart(top: Node, holding: list[str], loose: list[str]) -> bool:
    inside = {inner for name in holding for inner in unwrapped(top.folders[name])[0].folders}
    if are_characters(loose) or are_parts(inside) or inside & set(loose):
        return False
    if all(map(_is_loose, loose)):
        return True
    called = all(words_of(name) & _HOLDERS for name in holding)
    return len(loose) == 1 and not are_characters(holding) and (called or are_characters(inside))


def _is_loose(name: str) -> bool:
    return bool(words_of(name) & (_LOOSE | _COPIES)) or role_of(name) is not None


def _is_to_label(name: str) -> bool:
    return bool(words_of(name) & TO_LABEL) or role_of(name) is not None


def _shared(name: str, top: Node, holding: list[str]) -> bool:
    """Whether other folders hold folders of the same names."""
    mine = set(unwrapped(top.folders[name])[0].folders)
    return any(
        mine & set(unwrapped(top.folders[other])[0].folders) for other in holding if other != name
    )


def _is_copy(name: str, top: Node) -> bool:
    others = [other for other in top.folders if other != name and not words_of(other) & _COPIES]
    return bool(words_of(name) & _COPIES) and _shared(name, top, others)
