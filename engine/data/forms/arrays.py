"""NumPy's and MATLAB's files: images and labels found by their names and shapes."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (scipy leaves the kinds of its values open.)
from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.data.choices import Choices
from engine.data.forms.shapes import as_images, as_labels
from engine.data.forms.sink import Sink
from engine.data.listing import SPLITS, TRAIN, Finding
from engine.data.roles import UNLABELLED, role_of
from engine.errors import DataError

MOST_BYTES = 4_000_000_000  # of one array
PICKLED = "Save it again as plain numbers: pickled objects can run code and are never opened."
_IMAGE_WORDS = re.compile(
    r"(^|[^a-z])(x|images?|imgs?|data|pixels|samples|inputs?|features)([^a-z]|$)"
)
_LABEL_WORDS = re.compile(
    r"(^|[^a-z])(y|labels?|targets?|classes|class|outputs?|answers?)([^a-z]|$)"
)
_NAME_WORDS = re.compile(r"(class|label|category|target)_?names?|^classes$|categories")
_QUICKDRAW = re.compile(r"(full_numpy_bitmap_)?(?P<word>.+)\.npy$", re.IGNORECASE)


class Named(NamedTuple):
    """An array with the name that it has in its file, the file's name before it."""

    name: str
    array: np.ndarray

    @property
    def role(self) -> int | None:
        role = role_of(re.sub(r"[^\w]|_", " ", self.name))
        return role.code if role else None


def read_numpy(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The images in .npy and .npz files. Raises DataError, for pickled ones too."""
    arrays = [one for name, path in files for one in _load(name, path)]
    if not _take_arrays(arrays, sink) and not _take_words(arrays, sink):
        raise _none_found(arrays)


def read_matlab(
    files: Sequence[tuple[str, Path]], sink: Sink, choices: Choices, about: Mapping[str, bytes]
) -> None:
    """The images in .mat files up to version 7. Raises DataError."""
    arrays: list[Named] = []
    for name, path in files:
        arrays += _flattened(name, _load_matlab(name, path))
    emnist = any("dataset/train/images" in one.name for one in arrays)
    if emnist:  # a row is an image, column after column
        arrays = [one._replace(array=_turned(one.array)) for one in arrays]
        text = "images are turned, as EMNIST's MATLAB files store them transposed."
        sink.findings.append(Finding("note", "pixels", text))
    mapping = next((one.array for one in arrays if one.name.endswith("mapping")), None)
    if not _take_arrays(arrays, sink, _mapped(mapping)):
        raise _none_found(arrays)


def _none_found(arrays: Sequence[Named]) -> DataError:
    got = ", ".join(f"{one.name} {one.array.shape} {one.array.dtype}" for one in arrays[:6])
    return DataError(
        "no arrays of images and labels are in it",
        expected="images (N, h, w) or (N, pixels) and labels (N,)",
        got=got or "no array",
    )


def _load(name: str, path: Path) -> list[Named]:
    stem = name.rpartition(".")[0]
    try:
        if path.suffix.lower() == ".npy":
            return [Named(name, np.load(path, mmap_mode="r", allow_pickle=False))]
        with zipfile.ZipFile(path) as archive:
            large = [one for one in archive.infolist() if one.file_size > MOST_BYTES]
        if large:
            raise DataError(f"{name} holds an array of {large[0].file_size:,} bytes",
                            expected=f"at most {MOST_BYTES:,}")  # fmt: skip
        with np.load(path, allow_pickle=False) as file:
            return [Named(f"{stem}/{key}", file[key]) for key in file.files]
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - numpy's readers raise anything on a broken file
        text = str(error)
        if "pickle" in text.lower() or "Object arrays" in text:
            raise DataError(f"{name} holds Python objects", hint=PICKLED) from None
        raise DataError(f"{name} can't be read", got=text[:120] or type(error).__name__) from None


def _load_matlab(name: str, path: Path) -> dict[str, Any]:
    from scipy.io import loadmat  # pyright: ignore[reportMissingTypeStubs]

    try:
        load: Any = loadmat
        return load(path, simplify_cells=True)
    except NotImplementedError:
        hint = "Save it with `save(…, '-v7')`, or as .npz."
        raise DataError(f"{name} is a MATLAB 7.3 file, which is HDF5", hint=hint) from None
    except Exception as error:  # noqa: BLE001 - as above
        raise DataError(f"{name} can't be read", got=str(error)[:120]) from None


def _flattened(prefix: str, value: Any, depth: int = 0) -> list[Named]:
    if isinstance(value, dict) and depth < 6:
        return [
            one
            for key, inner in value.items()
            if not str(key).startswith("__")
            for one in _flattened(f"{prefix}/{key}", inner, depth + 1)
        ]
    if isinstance(value, np.ndarray) and value.dtype.kind in "buifUS":
        return [Named(prefix, value)]
    return []


def _turned(array: np.ndarray) -> np.ndarray:
    images = as_images(array) if array.ndim == 2 else None
    return array if images is None or images.ndim != 3 else images.swapaxes(1, 2)


def _mapped(mapping: np.ndarray | None) -> dict[int, str]:
    """Class name by label, of EMNIST's `mapping`: a row is a label and one or two codes."""
    if mapping is None or mapping.ndim != 2 or mapping.shape[1] < 2:
        return {}
    codes = {int(row[0]): int(row[1]) for row in mapping}
    return {label: chr(code) for label, code in codes.items() if 32 < code < 0x110000}


def _take_arrays(arrays: Sequence[Named], sink: Sink, names: dict[int, str] | None = None) -> bool:
    """Images with labels of as many, paired by split, name and length. False if there are none."""
    labels = [
        one._replace(array=found)
        for one in arrays
        if not _NAME_WORDS.search(one.name.lower()) and (found := as_labels(one.array)) is not None
    ]
    names = names or _class_names(arrays)
    pairs: list[tuple[Named, np.ndarray, Named | None]] = []
    left = list(labels)
    for one in arrays:
        if any(one.array is other.array or one.name == other.name for other in left):
            if as_images(one.array) is None or _LABEL_WORDS.search(_last(one.name)):
                continue
        fitting = [other for other in left if other.name != one.name]
        fitting = [other for other in fitting if as_images(one.array, len(other.array)) is not None]
        same = [other for other in fitting if other.role == one.role]
        # Labels of another split are none, however many there are.
        loose = [other for other in fitting if None in (one.role, other.role)]
        called = [other for other in same if _LABEL_WORDS.search(_last(other.name))] or same
        best = (called or loose or [None])[0]
        images = as_images(one.array, None if best is None else len(best.array))
        if images is None or (best is None and not _may_be_bare(one)):
            continue
        pairs.append((one, images, best))
        if best is not None:
            left.remove(best)
    if not any(best for _, _, best in pairs):
        return False
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
    last = _last(one.name)
    return bool(_IMAGE_WORDS.search(last) or _LABEL_WORDS.search(last))


def _last(name: str) -> str:
    """The part of a name that says what an array is: its key, and the file's own name where the key
    says nothing.
    """
    stem, _, key = name.lower().rpartition("/")
    return stem.rpartition("/")[2] if re.fullmatch(r"arr_\d+", key) else key.removesuffix(".npy")


def _may_be_bare(one: Named) -> bool:
    """Whether an array without labels may be pictures: test images, which nobody has named."""
    return bool(_IMAGE_WORDS.search(_last(one.name)) or one.role is not None)


def _class_names(arrays: Sequence[Named]) -> dict[int, str]:
    for one in arrays:
        if _NAME_WORDS.search(one.name.lower()) and one.array.dtype.kind in "US":
            return {n: _text(value) for n, value in enumerate(one.array.reshape(-1))}
    return {}


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
    bare = all(one.role is None and not _IMAGE_WORDS.search(_last(one.name)) for one, _ in images)
    if not images or not (named or (len(images) > 1 and bare)):
        return False
    for one, found in images:
        match = _QUICKDRAW.search(one.name.rpartition("/")[2])
        word = match["word"].replace("%20", " ") if match else one.name
        sink.images(found, [word] * len(found), one.name)
    sink.why.append("each file is a class, as Quick, Draw! has them")
    return True
