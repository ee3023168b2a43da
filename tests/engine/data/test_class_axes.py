"""Arrays that have no list of labels: an axis counts their classes, or each array holds one."""

from __future__ import annotations

import numpy as np
import pytest
from listed import counts
from pictures import glyphs

from engine.data.digits import list_digits
from engine.data.forms.shapes import as_labels
from engine.data.report import report_of
from engine.errors import DataError

NAMES = ["one", "two", "three", "four", "five"]
IMAGES = glyphs(30, side=16).reshape(5, 6, 16, 16)  # (K, n, h, w), no two alike
COLUMNS = IMAGES.swapaxes(2, 3).reshape(5, 6, 256)  # pixels column after column
UPRIGHT = IMAGES.reshape(30, 16, 16)


def said(listing):
    return " ".join(one.text for one in report_of(listing).findings)


def images_of(listing):
    return np.stack([np.asarray(listing.reader.read(i)) for i in range(len(listing))])


def names(*texts):
    out = np.empty(len(texts), object)
    out[:] = texts
    return out


def test_usps_is_ten_digits_upright_light_on_dark_in_its_own_order(opened, tmp_path):
    """usps_all.mat: (256, 1100, 10), the digits 1 to 9 and 0, here of the lab's own digits."""
    from scipy.io import savemat

    digits = list_digits()
    found = [np.asarray(digits.reader.read(i))[::2, ::2] for i in range(0, 1000)]
    small = np.pad(np.stack(found), ((0, 0), (1, 1), (1, 1)))
    labels = digits.labels[:1000]
    per = [np.resize(small[labels == digit], (1100, 16, 16)) for digit in [*range(1, 10), 0]]
    data = np.stack([one.swapaxes(1, 2).reshape(1100, 256).T for one in per], -1)
    assert data.shape == (256, 1100, 10) and data.dtype == np.uint8
    savemat(tmp_path / "usps_all.mat", {"data": data})
    listing = opened(tmp_path / "usps_all.mat")
    assert listing.classes == tuple("0123456789")
    assert counts(listing) == {(c, "train"): 1100 for c in "0123456789"}
    at = {label: listing.labels.tolist().index(n) for n, label in enumerate(listing.classes)}
    for digit in range(10):
        first = small[labels == digit][0]
        assert np.array_equal(np.asarray(listing.reader.read(at[str(digit)])), first), digit
    assert "the digits 1 to 9 and 0" in said(listing) and "are turned" in said(listing)
    assert listing.kind == "digit" and (listing.survey.polarity or "").startswith("light on dark")


LAYOUTS = {
    "pixels, images, classes": COLUMNS.transpose(2, 1, 0),
    "classes, images, pixels": COLUMNS,
    "images, pixels, classes": COLUMNS.transpose(1, 2, 0),
    "rows, columns, images, classes": IMAGES.transpose(2, 3, 1, 0),
    "classes, images, rows, columns": IMAGES,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_axis_of_the_classes_is_found_wherever_it_stands(opened, tmp_path, layout):
    from scipy.io import savemat

    array = LAYOUTS[layout]
    savemat(tmp_path / "a.mat", {"x": array})
    listing = opened(tmp_path / "a.mat")
    assert counts(listing) == {(name, "train"): 6 for name in "12345"}
    assert np.array_equal(images_of(listing), UPRIGHT)
    assert "nothing names them: they are 1 to 5" in said(listing)
    savemat(tmp_path / "b.mat", {"x": array, "names": names(*NAMES)})
    listing = opened(tmp_path / "b.mat")
    assert [listing.classes[n] for n in listing.labels.tolist()] == np.repeat(NAMES, 6).tolist()
    if layout.startswith("classes"):  # in NumPy's order, row after row
        np.save(tmp_path / "c.npy", IMAGES.reshape(array.shape))
        listing = opened(tmp_path / "c.npy")
        assert counts(listing) == {(name, "train"): 6 for name in "01234"}
        assert np.array_equal(images_of(listing), UPRIGHT)


def test_arrays_of_a_class_each_are_read_with_their_splits(opened, tmp_path):
    """As mnist_all.mat has them: train0 … train9, test0 … test9."""
    from scipy.io import savemat

    rows = IMAGES.reshape(5, 6, 256)
    arrays = {f"train{n}": rows[n, : 4 + n % 2] for n in range(5)}
    arrays |= {f"test{n}": rows[n, 4 + n % 2 :] for n in range(5)}
    savemat(tmp_path / "all.mat", arrays)
    listing = opened(tmp_path / "all.mat")
    wanted = {(str(n), "train"): 4 + n % 2 for n in range(5)}
    assert counts(listing) == wanted | {(str(n), "test"): 2 - n % 2 for n in range(5)}
    np.savez(tmp_path / "named.npz", **dict(zip(NAMES, IMAGES, strict=True)))
    listing = opened(tmp_path / "named.npz")
    assert counts(listing) == {(name, "train"): 6 for name in NAMES}
    assert "5 arrays are taken for a class each: one, two, three, four, five" in said(listing)
    np.savez(tmp_path / "nameless.npz", *IMAGES)
    with pytest.raises(DataError, match="no arrays of images and labels"):
        opened(tmp_path / "nameless.npz")


def test_a_column_an_image_and_one_hot_labels_of_any_direction_are_read(opened, tmp_path):
    """As usps_resampled.mat has them: patterns (256, N), labels (10, N) of 1 and -1."""
    from scipy.io import savemat

    classes = np.arange(30) % 3
    one_hot = np.eye(3)[classes] * 2 - 1
    rows = UPRIGHT.reshape(30, 256)
    savemat(
        tmp_path / "a.mat",
        {
            "train_patterns": rows[:8].T, "train_labels": one_hot[:8].T,
            "test_patterns": rows[8:].T, "test_labels": one_hot[8:].T,
        },
    )  # fmt: skip
    listing = opened(tmp_path / "a.mat")
    assert listing.labels.tolist() == classes.tolist()
    assert listing.official.tolist() == [0] * 8 + [2] * 22
    assert np.array_equal(images_of(listing), UPRIGHT)
    assert as_labels(one_hot).tolist() == as_labels(one_hot.T).tolist() == classes.tolist()
    assert as_labels(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])) is None


def test_arrays_with_labels_or_of_one_axis_of_images_stay_what_they_are(opened, tmp_path):
    from scipy.io import savemat

    savemat(tmp_path / "a.mat", {"X": UPRIGHT.transpose(1, 2, 0)})
    with pytest.raises(DataError, match="no arrays of images and labels"):
        opened(tmp_path / "a.mat")
    colour = np.repeat(np.zeros((20, 28, 28, 1), np.uint8), 3, -1)
    savemat(tmp_path / "b.mat", {"X": colour})
    with pytest.raises(DataError, match="no arrays of images and labels"):
        opened(tmp_path / "b.mat")
    found = np.zeros((12, 16, 64), np.uint8)
    np.savez(tmp_path / "c.npz", x_train=found, y_train=np.arange(12) % 2, x_test=found[:9] + 1)
    listing = opened(tmp_path / "c.npz")
    assert counts(listing)["0", "train"] == 6 and (listing.labels < 0).sum() == 9


def test_the_split_of_a_struct_counts_before_the_name_of_its_file(opened, tmp_path):
    from scipy.io import savemat

    parts = {
        "train": {"images": UPRIGHT[:8], "labels": np.arange(8) % 2},
        "test": {"images": UPRIGHT[8:12], "labels": np.arange(4) % 2},
    }
    savemat(tmp_path / "own_train.mat", parts)
    listing = opened(tmp_path / "own_train.mat")
    assert listing.official.tolist() == [0] * 8 + [2] * 4


def test_a_file_of_matlab_7_3_says_how_to_save_it(opened, tmp_path):
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM" + bytes(384)
    (tmp_path / "a.mat").write_bytes(head + b"\x89HDF\r\n\x1a\n" + bytes(2000))
    with pytest.raises(DataError, match=r"MATLAB 7.3 file, which is HDF5. Save it .*'-v7'"):
        opened(tmp_path / "a.mat")
