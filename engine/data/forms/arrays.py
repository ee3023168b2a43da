"""Arrays as images and labels, found by their names and shapes; NumPy's files."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (numpy leaves the kinds of its values open.)
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.archive import CUT_SHORT
from engine.data.choices import Choices
from engine.data.forms.cells import in_words
from engine.data.forms.class_axis import with_class_arrays, with_class_axes
from engine.data.forms.labels_beside import labels_beside
from engine.data.forms.named_arrays import IMAGE_WORDS, LABEL_WORDS, Named, last_of
from engine.data.forms.numpy_sizes import check_sizes
from engine.data.forms.several import doubt_several
from engine.data.forms.shapes import are_same, as_images, as_labels
from engine.data.forms.single_arrays import take_single
from engine.data.forms.sink import Sink
from engine.data.listing import SPLITS, TRAIN
from engine.data.roles import UNLABELLED
from engine.errors import DataError

PICKLED = (
    "That is a pickle, which can run any code when it is loaded, so the lab never opens one. Where"
    " you trust its source, convert it once in Python: `import numpy as np; found = np.load('{name}',"
    " allow_pickle=True)`, make each part one array of numbers, images (N, h, w) and labels (N,) (as"
    " np.stack(found) does), and save them: `np.savez('new.npz', images=images, labels=labels)`."
    " Pictures of several sizes are best saved as files in a folder for each class."
)
_NAME_WORDS = re.compile(r"(class|label|category|target)_?names?|^classes$|categories")
_QUICKDRAW = re.compile(r"(full_numpy_bitmap_)?(?P<word>.+)\.npy$", re.IGNORECASE)


def read_numpy(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The images in .npy and .npz files. Raises DataError, for pickled ones too."""
    arrays = [one for name, path in files for one in _load(name, path)]
    counts = [
        len(one.array) for one in arrays if one.array.ndim and as_images(one.array) is not None
    ]
    arrays += [Named(name, array) for name, array in labels_beside(about, counts)]
    if take_single(arrays, sink):
        return
    if not choices.unlabelled:
        arrays = with_class_arrays(with_class_axes(arrays, sink, by_columns=False), sink)
    taken = take_arrays(arrays, sink, bare=choices.unlabelled)
    if not taken and not _take_words(arrays, sink):
        raise none_found(arrays)


def none_found(arrays: Sequence[Named], others: Sequence[str] = ()) -> DataError:
    """The error that says what is there instead; others: what is no array, in words."""
    if unequal := _unequal(arrays):
        return unequal
    there = [*(f"{one.name} {in_words(one.array)}" for one in arrays), *others]
    got = ", ".join(there[:6])
    bare = any(as_images(one.array) is not None for one in arrays)
    return DataError(
        "no arrays of images and labels are in it",
        expected="images (N, h, w) or (N, pixels) and labels (N,)",
        got=got or "no array",
        hint="If the images have no labels yet, say so at the import." if bare else None,
    )


def _unequal(arrays: Sequence[Named]) -> DataError | None:
    """The error for images and labels of a split that are not as many; None if that is not it."""
    for one in arrays:
        images = as_images(one.array) if IMAGE_WORDS.search(last_of(one.name)) else None
        for other in arrays:
            labels = as_labels(other.array) if LABEL_WORDS.search(last_of(other.name)) else None
            if images is None or labels is None or other is one or other.role != one.role:
                continue
            if len(images) != len(labels):
                return DataError(
                    f"{one.name} holds {len(images):,} images and {other.name} {len(labels):,} labels",
                    expected="a label for each image, in their order",
                    hint="Nothing tells which is missing: write both again from their source. To read"
                    " the images alone, say at the import that they have no labels.",
                )
    return None


def _load(name: str, path: Path) -> list[Named]:
    stem = name.rpartition(".")[0]
    try:
        if path.suffix.lower() == ".npy":
            return [Named(name, np.load(path, mmap_mode="r", allow_pickle=False))]
        check_sizes(name, path)
        with np.load(path, allow_pickle=False) as file:
            return [Named(f"{stem}/{key}", file[key]) for key in file.files]
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - numpy's readers raise anything on a broken file
        text = str(error)
        if re.search("pickle|object array|python objects", text, re.IGNORECASE):
            what = f"{name} holds Python objects (dtype=object), not numbers"
            last = name.rpartition("/")[2]
            raise DataError(what, hint=PICKLED.replace("{name}", last)) from None
        raise DataError(
            f"{name} can't be read", got=text[:120] or type(error).__name__, hint=CUT_SHORT
        ) from None


def take_arrays(
    arrays: Sequence[Named],
    sink: Sink,
    names: dict[int, str] | None = None,
    bare: bool = False,
) -> bool:
    """Images with labels of as many, paired by split, name and length. False if there are none; bare:
    images alone are enough.
    """
    listed = _list_of_names(arrays)
    arrays = [one for one in arrays if one is not listed]
    labels = [
        one._replace(array=found)
        for one in arrays
        if not _NAME_WORDS.search(one.name.lower()) and (found := as_labels(one.array)) is not None
    ]
    names = names or (_by_number(arrays, listed) if listed else {})
    pairs: list[tuple[Named, np.ndarray, Named | None]] = []
    left = list(labels)
    for one in arrays:
        if any(one.array is other.array or one.name == other.name for other in left):
            if as_images(one.array) is None or LABEL_WORDS.search(last_of(one.name)):
                continue
        fitting = [other for other in left if other.name != one.name]
        fitting = [other for other in fitting if as_images(one.array, len(other.array)) is not None]
        same = [other for other in fitting if other.role == one.role]
        # Labels of another split are none, however many there are.
        loose = [other for other in fitting if None in (one.role, other.role)]
        called = [other for other in same if LABEL_WORDS.search(last_of(other.name))] or same
        near = [other for other in called if other.file == one.file] or called
        best = (near or loose or [None])[0]
        images = as_images(one.array, None if best is None else len(best.array))
        if images is None or (best is None and not bare and not _may_be_bare(one)):
            continue
        pairs.append((one, images, best))
        if best is not None:
            left.remove(best)
    if not pairs or not (bare or any(best for _, _, best in pairs)):
        return False
    pairs = _once(pairs, sink)
    held = 0
    for number, (one, images, best) in enumerate(pairs):
        code = one.role if one.role is not None else (best.role if best else None)
        if code is None:
            code = TRAIN
            if number and not held:
                text = f"{one.name} says nothing of its split: it is taken for training."
                sink.note("warning", "splits", text)
        held += code != TRAIN
        texts = _as_texts(None if best is None else best.array, names, len(images))
        official = TRAIN if code == UNLABELLED else code
        given = f"labels are {best.name}" if best else "without labels"
        sink.why.append(f"{one.name} are {SPLITS[official]} images, {given}")
        sink.images(images, texts, one.name, official)
    doubt_several([one.place for one, _, _ in pairs], sink)
    if names:
        sink.classes = [names[label] for label in sorted(names)]
    read = {one.name for one, _, _ in pairs} | {best.name for _, _, best in pairs if best}
    _note_unread([one for one in arrays if one.name not in read], sink)
    return True


def _note_unread(arrays: Sequence[Named], sink: Sink) -> None:
    """Say which arrays were not read: a warning of those that are called like images or labels."""
    named = re.compile(rf"{_NAME_WORDS.pattern}|mapping$")  # which were looked into
    arrays = [one for one in arrays if one.array.size and not named.search(one.name.lower())]
    meant = [one for one in arrays if _is_meant(one)]
    for level, some in (("warning", meant), ("note", [one for one in arrays if one not in meant])):
        if some:
            shown = ", ".join(f"{one.name} {one.array.shape}" for one in some[:5])
            why = ": no images or labels of as many are left" if level == "warning" else ""
            arrays_are = "1 array is" if len(some) == 1 else f"{len(some):,} arrays are"
            sink.note(level, "files", f"{arrays_are} not read{why}: {shown}.")


def _is_meant(one: Named) -> bool:
    last = last_of(one.name)
    return bool(IMAGE_WORDS.search(last) or LABEL_WORDS.search(last))


def _may_be_bare(one: Named) -> bool:
    """Whether an array without labels may be pictures: test images, which nobody has named."""
    return bool(IMAGE_WORDS.search(last_of(one.name)) or one.role is not None)


def _once(
    pairs: list[tuple[Named, np.ndarray, Named | None]], sink: Sink
) -> list[tuple[Named, np.ndarray, Named | None]]:
    """The pairs without images that have no labels and are those of another array again, as in
    scikit-learn's bunches: `images` (N, h, w) and `data` (N, pixels).
    """
    left = [pair for pair in pairs if pair[2] is not None]
    for one, images, _ in (pair for pair in pairs if pair[2] is None):
        same = (
            first for first, them, _ in left if first.role == one.role and are_same(images, them)
        )
        other = next(same, None)
        if other is None:
            left.append((one, images, None))
        else:
            sink.note("note", "files", f"{one.name} holds the images of {other.name} again.")
    return [pair for pair in pairs if any(pair[0] is one for one, _, _ in left)]


def _list_of_names(arrays: Sequence[Named]) -> Named | None:
    """The array that lists names of classes: as its name says, or `classes` (K,), all different."""
    texts = [one for one in arrays if one.array.dtype.kind in "US"]
    called = [one for one in texts if _NAME_WORDS.search(one.name.lower())]
    called += [one for one in texts if last_of(one.name) in ("classes", "names", "categories")
               and len(np.unique(one.array)) == one.array.size]  # fmt: skip
    return called[0] if called else None


def _by_number(arrays: Sequence[Named], listed: Named) -> dict[int, str]:
    first = int(_counts_from_one(arrays, listed.array.size))
    return {n: _text(value) for n, value in enumerate(listed.array.reshape(-1), first)}


def _counts_from_one(arrays: Sequence[Named], count: int) -> bool:
    """Whether labels are 1 to `count`, as in MATLAB, and none is 0."""
    called = [one.array for one in arrays if LABEL_WORDS.search(last_of(one.name))]
    labels = [found for one in called if (found := as_labels(one)) is not None and found.size]
    numbers = [found for found in labels if found.dtype.kind in "buif"]
    if not numbers:
        return False
    return min(map(np.min, numbers)) >= 1 and max(map(np.max, numbers)) == count


def _as_texts(labels: np.ndarray | None, names: dict[int, str], count: int) -> list[str | None]:
    if labels is None:
        return [None] * count
    if labels.dtype.kind in "US":
        return [_text(value) or None for value in labels]
    numbers = labels.astype(np.int64).tolist()
    negative = any(number < 0 for number in numbers)
    texts: dict[int, str | None] = {n: names.get(n, str(n)) for n in set(numbers)}
    if negative:
        texts |= {n: None for n in texts if n < 0}
    return [texts[number] for number in numbers]


def _text(value: Any) -> str:
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()


def _take_words(arrays: Sequence[Named], sink: Sink) -> bool:
    """Quick, Draw!'s bitmaps: a file a class, which is called like it, pixels (N, 784)."""
    files = [one for one in arrays if one.name.lower().endswith(".npy")]
    images = [(one, found) for one in files if (found := as_images(one.array)) is not None]
    named = [one for one, _ in images if "full_numpy_bitmap_" in one.name.lower()]
    bare = all(one.role is None and not IMAGE_WORDS.search(last_of(one.name)) for one, _ in images)
    if not images or not (named or (len(images) > 1 and bare)):
        return False
    for one, found in images:
        match = _QUICKDRAW.search(one.name.rpartition("/")[2])
        word = match["word"].replace("%20", " ") if match else one.name
        sink.images(found, [word] * len(found), one.name)
    sink.why.append("each file is a class, as Quick, Draw! has them")
    return True
