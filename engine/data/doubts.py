"""What is doubtful about a layout of folders, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from engine.data.beside import COPIES
from engine.data.listing import SPLITS, Finding
from engine.data.nesting import Node, are_parts
from engine.data.roles import UNLABELLED, Role, role_of

_THUMBNAILS = frozenset("thumbnail thumbnails thumb thumbs preview previews".split())
# How people call a picture of what belongs to the ink in another one.
_MASK = re.compile(
    r"(?P<of>.+)[_\-. ](masks?|seg|segm|segmentation|labels?|gt|groundtruth|matte|alpha)", re.DOTALL
)
FEWEST_MASKS = 3
SAME_NAMES = 0.5  # share of the smaller folder's pictures that the other one has, too


def doubt_aside(name: str, count: int, reason: str | None) -> Finding:
    """What to say of the pictures in a folder beside those of the classes; reason: why they are left
    out, None if they have no label.
    """
    if reason == COPIES:
        text = (
            f"the {count:,} pictures in {name} are changed copies of those beside it, and left out,"
            " so that no copy of a test image is trained on; the lab changes pictures itself while"
            " it trains. To train on them, put both folders into train/, and other pictures into"
            " test/."
        )
    else:
        one = count == 1
        labelled, out = ("it has", "it is") if one else ("they have", "they are")
        what = f"{labelled} no label" if reason is None else f"{out} left out"
        lie = "picture in {} lies" if one else "pictures in {} lie"
        text = f"the {count:,} {lie.format(name)} beside the folders of classes: {what}."
    return Finding("warning", "layout", text)


def doubt_copies(name: str, other: str, count: int) -> Finding:
    """What to say of a split that holds changed copies of another one's pictures."""
    text = (
        f"the {count:,} pictures in {name} are taken for changed copies of those in {other}, and left"
        f" out: a split that is drawn from {other} would have its copies trained on, and the lab"
        f" changes pictures itself while it trains. To train on them, move them into {other}."
    )
    return Finding("warning", "layout", text)


def doubt_same(splits: Mapping[str, Role]) -> list[Finding]:
    """Say so where several folders are the same split."""
    found: list[Finding] = []
    for code, split in enumerate(SPLITS):
        same = sorted(name for name, role in splits.items() if role.code == code)
        if len(same) > 1:
            text = f"{' and '.join(same)} are read together as {split}."
            found.append(Finding("warning", "layout", text))
    return found


def doubt_depth(
    names: Sequence[str], taken: Mapping[int, tuple[str | None, int]], deep: Mapping[int, int]
) -> list[Finding]:
    """What to say of pictures that lie in folders below that of their class, where they are the
    most. taken: each picture's class and split; deep: the folders between it and its class.
    """
    lower = sorted(i for i in taken if deep[i])
    if 2 * len(lower) <= len(taken):
        return []
    levels = max(deep[i] for i in lower)
    inner = sorted({names[i].split("/")[-2] for i in lower})
    shown = f"{', '.join(inner[:3])}{' …' if len(inner) > 3 else ''}"
    if are_parts(inner):
        text = f"the folders {shown} within those of the classes are taken for parts of them."
        return [Finding("note", "layout", text)]
    text = (
        f"{len(lower):,} pictures lie {levels} folder{'s' if levels > 1 else ''} below the class"
        f" folder ({names[lower[0]]} is of class '{taken[lower[0]][0]}'). If {shown} are the"
        " classes, give the folder that holds them, or move them up."
    )
    return [Finding("warning", "layout", text)]


def thumbnails(
    names: Sequence[str], taken: Mapping[int, tuple[str | None, int]], deep: Mapping[int, int]
) -> tuple[dict[int, str], list[Finding]]:
    """The pictures in folders of thumbnails within those of classes that have others, each with the
    reason why it is left out; and what to say of them.
    """
    inner = {i: names[i].split("/")[-2] for i in taken if deep[i]}
    made = {i: folder for i, folder in inner.items() if folder.lower().strip("._") in _THUMBNAILS}
    whole = {taken[i][0] for i in taken if i not in made}
    made = {i: folder for i, folder in made.items() if taken[i][0] in whole}
    if not made:
        return {}, []
    folders = ", ".join(sorted(set(made.values())))
    text = (
        f"{len(made):,} pictures lie in {folders} within the folders of classes: they are taken for"
        " small copies of those beside them, and left out."
    )
    reasons = {i: f"taken for a small copy: it lies in {folder}/" for i, folder in made.items()}
    return reasons, [Finding("warning", "layout", text)]


def masks(names: Sequence[str], taken: Iterable[int]) -> tuple[dict[int, str], list[Finding]]:
    """The pictures that are called like masks of those beside them, x_mask.png by x.png, each with
    the reason why it is left out; and what to say of them. None where few pictures have one.
    """
    taken = sorted(taken)
    stems: dict[str, int] = {}
    for i in taken:
        stems.setdefault(_stem(names[i]), i)
    found: dict[int, int] = {}  # mask → the picture that it is of
    for i in taken:
        match = _MASK.fullmatch(_stem(names[i]))
        if match and (whole := stems.get(match["of"])) not in (None, i):
            found[i] = whole
    folders = {names[i].rpartition("/")[0] for i in found}
    beside = [i for i in taken if names[i].rpartition("/")[0] in folders and i not in found]
    if len(found) < FEWEST_MASKS or 2 * len(found) < len(beside):
        return {}, []
    first = min(found)
    text = (
        f"{len(found):,} pictures are called like masks of those beside them ({names[first]} by"
        f" {names[found[first]].rpartition('/')[2]}), and left out: a mask is no sample. If they are"
        " pictures of their own, call them otherwise."
    )
    reasons = {
        i: f"taken for a mask: {names[whole].rpartition('/')[2]} lies beside it"
        for i, whole in found.items()
    }
    return reasons, [Finding("warning", "layout", text)]


def _stem(name: str) -> str:
    """A path without the ending of its file, in small letters."""
    folder, _, last = name.rpartition("/")
    return f"{folder}/{last.rpartition('.')[0] or last}".lower()


def doubt_names(top: Node) -> list[Finding]:
    """Say so where folders that are taken for classes might be something else."""
    found: list[Finding] = []
    roles = sorted(
        name
        for name in top.folders
        if (role := role_of(name)) and role.code != UNLABELLED and name.isascii()
    )
    plain = [name for name in roles if name.lower() in ("train", "test", "val")]
    if roles and len(top.folders) > 1:
        level = "note" if plain == roles and len(top.folders) > 2 * len(roles) else "warning"
        text = (
            f"{', '.join(roles)} could be the name of a split: taken for a class like"
            f" {sorted(set(top.folders) - set(roles) or set(roles))[0]} beside it, because no"
            " folders of classes are in it."
        )
        found.append(Finding(level, "layout", text))
    inside = [set(node.folders) for node in top.folders.values()]
    common = inside[0].intersection(*inside[1:]) if len(inside) > 1 else set[str]()
    bare = all(not node.files for node in top.folders.values())
    if len(common) > 1 and bare and not are_parts(common):
        text = (
            f"all of {', '.join(sorted(top.folders)[:5])} hold the folders"
            f" {', '.join(sorted(common)[:4])}: these may be splits, parts or writers, and the"
            " folders in them the classes."
        )
        found.append(Finding("warning", "layout", text))
    sizes = {name: sum(1 for _ in node.below()) for name, node in top.folders.items()}
    mixed = [name for name, node in top.folders.items() if len(node.folders) > 1 and not node.files]
    few = len(mixed) == 1 and 2 * sizes[mixed[0]] <= sum(sizes.values())  # else: doubt_depth
    if few and not are_parts(top.folders[mixed[0]].folders):
        inner = sorted(top.folders[mixed[0]].folders)
        shown = f"{', '.join(inner[:3])}{' …' if len(inner) > 3 else ''}"
        text = (
            f"{mixed[0]} holds the folders {shown}, and is taken for a class like"
            f" {next(name for name in top.folders if name != mixed[0])} beside it. If {shown} are"
            f" the classes, give {mixed[0]} alone."
        )
        found.append(Finding("warning", "layout", text))
    return found


def doubt_versions(names: Sequence[str], top: Node) -> list[Finding]:
    """Say so where two folders at the top hold pictures of the same names."""
    inside = {
        name: {names[i].partition(f"{name}/")[2] for i in node.below()}
        for name, node in top.folders.items()
    }
    order = sorted(inside, key=lambda name: len(inside[name]))
    for one, other in zip(order, order[1:], strict=False):
        same = len(inside[one] & inside[other])
        if same > SAME_NAMES * len(inside[one]):
            text = (
                f"{same:,} pictures in {one} and {other} have the same names. If they are the same"
                " pictures in another form, give one of the folders alone: otherwise copies of the"
                " test images are trained on."
            )
            return [Finding("warning", "layout", text)]
    return []
