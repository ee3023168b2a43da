"""Small files that would take much main memory are refused before it is taken, whatever they are."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest
import scipy.io
from pictures import png, small_page

from engine.data.budget import NAME_BYTES, Budget
from engine.data.catalog import list_dataset
from engine.data.forms.arrow_headers import message_sizes, pages_in
from engine.data.forms.arrow_parts import AT_ONCE, PART_BYTES, open_parts
from engine.data.forms.records import read_table
from engine.data.forms.text import MOST_LINE, MOST_LINES, separated
from engine.data.packing import SMALL
from engine.errors import DataError
from engine.labels.tables import read_rows
from engine.progress import no_progress

LONG = bytes(8_000_000)
NOISE = np.random.default_rng(0).bytes(100_000)
PICTURE = png(small_page("2"))


@pytest.fixture
def opened(tmp_path):
    look = {"folders": (), "home": tmp_path / "home", "offline": True, "unpacked_mb": 5_000}
    return lambda path: list_dataset(str(path), progress=no_progress, **look)


def few_long(path):
    table = pa.table({"image": [LONG] * 4, "label": [0, 1, 2, 3]})
    parquet.write_table(table, path, compression="zstd", use_dictionary=False)


def many_rows(path):
    table = pa.table({"image": [PICTURE] * 150_000, "label": [0] * 150_000})
    parquet.write_table(table, path, compression="zstd")


def one_for_all(path):
    table = pa.table({"image": [NOISE] * 1_000, "label": [0] * 1_000})  # a dictionary of one value
    parquet.write_table(table, path)


def long_label(path):
    labels = pa.array([NOISE.hex()] * 500)
    parquet.write_table(pa.table({"image": [PICTURE] * 500, "label": labels}), path)


def long_lists(path):
    images = pa.array([np.zeros(5_000_000, np.uint8).tolist()], pa.list_(pa.uint8()))
    parquet.write_table(pa.table({"image": images, "label": [0]}), path)


def columns(path):
    zeros = np.zeros(120_000, np.int64)
    table = {f"pixel{number}": zeros for number in range(64)}
    parquet.write_table(pa.table({**table, "label": zeros}), path, compression="zstd")


def compressed_arrow(path):
    feather.write_feather(pa.table({"image": [LONG] * 4, "label": [0] * 4}), path, "zstd")


def shared_label(path):
    labels = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), [NOISE.hex()])
    table = pa.table({"image": [PICTURE] * 500, "label": labels})
    feather.write_feather(table, path, "uncompressed")


def arrays(path):
    zeros = {name: np.zeros((20_000, 28, 28), np.uint8) for name in ("images", "more")}
    np.savez_compressed(path, labels=np.zeros(20_000, np.uint8), **zeros)


def doubles(path):
    np.savez_compressed(path, images=np.zeros((8_000, 784)), labels=np.zeros(8_000, np.uint8))


def matlab(path):
    zeros = {"images": np.zeros((20_000, 784), np.uint8), "labels": np.zeros(20_000, np.uint8)}
    scipy.io.savemat(path, zeros, do_compression=True)


BOMBS = {
    "long.parquet": few_long,
    "rows.parquet": many_rows,
    "one.parquet": one_for_all,
    "label.parquet": long_label,
    "lists.parquet": long_lists,
    "columns.parquet": columns,
    "long.feather": compressed_arrow,
    "label.arrow": shared_label,
    "arrays.npz": arrays,
    "doubles.npz": doubles,
    "arrays.mat": matlab,
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_unpacks_to_far_more_than_its_size_is_refused(opened, tmp_path, name):
    BOMBS[name](tmp_path / name)
    with pytest.raises(DataError, match=f"{name} unpacks to more than 200 times its size"):
        opened(tmp_path / name)


def test_a_summary_that_says_less_than_the_pages_is_of_no_use(tmp_path):
    few_long(tmp_path / "a.parquet")
    raw = (tmp_path / "a.parquet").read_bytes()
    chunk = parquet.ParquetFile(io.BytesIO(raw)).metadata.row_group(0).column(0)
    said = list(pages_in(memoryview(raw), chunk))
    assert sum(page.values for page in said) == 4
    assert 4 * len(LONG) < sum(page.size for page in said) < 4 * len(LONG) + 1_000


def test_the_sizes_of_an_arrow_files_buffers_are_read_where_they_lie(tmp_path):
    compressed_arrow(tmp_path / "a.feather")
    stream = pa.py_buffer((tmp_path / "a.feather").read_bytes())[8:]
    sizes = [sum(message_sizes(one)) for one in pa.ipc.MessageReader.open_stream(stream)]
    assert 4 * len(LONG) < sum(sizes) < 4 * len(LONG) + 1_000


def test_rows_of_long_values_are_never_in_memory_together(tmp_path):
    values = [np.random.default_rng(n).bytes(1_000_000) for n in range(4)]
    rows = 300  # 300 MB, of a file of 4 MB that may unpack to that
    table = pa.table({"image": [values[n % 4] for n in range(rows)], "label": [0] * rows})
    parquet.write_table(table, tmp_path / "a.parquet", dictionary_pagesize_limit=1 << 23)
    del table, values
    before, most, seen = pa.total_allocated_bytes(), 0, 0
    for part in open_parts("a.parquet", tmp_path / "a.parquet").read(None):
        most, seen = max(most, pa.total_allocated_bytes() - before), seen + len(part)
        assert part.nbytes <= PART_BYTES
    assert seen == rows and most < 2 * AT_ONCE


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        (1, b""),  # cells
        (2, struct.pack("<IIIII", 5, 4, 8, 0, 1) + struct.pack("<I8s", 8, b"a")),  # structs
        (4, struct.pack("<II", 1, 0)),  # letters
    ],
)
def test_an_array_of_matlab_that_says_it_is_larger_than_its_file_is_refused(
    opened, tmp_path, kind, rest
):
    def element(number, data):
        return struct.pack("<II", number, len(data)) + data + bytes(-len(data) % 8)

    parts = struct.pack("<II", kind, 0), struct.pack("<ii", 1 << 30, 1), b"images"
    array = b"".join(map(element, (6, 5, 1), parts)) + rest
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x100, b"IM")
    (tmp_path / "a.mat").write_bytes(header + element(14, array))
    with pytest.raises(DataError, match="a.mat holds an array of 1,073,741,824 values"):
        opened(tmp_path / "a.mat")


def test_texts_that_take_far_more_memory_than_disk_are_refused():
    for raw, name in ((b"{" * 18_000_000, "a.json"), (b"<" * 34_000_000, "a.xml")):
        with pytest.raises(DataError, match="more cells than fit into main memory"):
            read_table(name, raw)
    with pytest.raises(DataError, match="30,000,001 lines. Allowed: at most 30,000,000"):
        read_table("a.csv", b"\v" * (MOST_LINES + 1))
    with pytest.raises(DataError, match="more cells than fit"):
        separated("a.csv", "a,b\n" * 100, most_memory=10_000)


def test_a_table_that_is_larger_than_any_is_not_read_to_say_what_is_wrong_with_it(opened, tmp_path):
    with open(tmp_path / "a.json", "wb") as file:
        file.truncate(600_000_000)
    with pytest.raises(
        DataError, match="a.json is too large a table: 600 MB. Allowed: at most 500 MB"
    ):
        opened(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["a.csv", "fer.csv"])
def test_a_line_that_is_longer_than_any_image_is_refused(opened, tmp_path, name):
    line = {"a.csv": "1,0" + ",0" * 783, "fer.csv": '1,"' + "0 " * 800 + '0"'}[name]
    header = {
        "a.csv": "label," + ",".join(f"pixel{n}" for n in range(784)),
        "fer.csv": "label,pixels",
    }
    (tmp_path / name).write_text(f"{header[name]}\n{line}\n{line}\n" + "0" * (MOST_LINE + 1))
    with pytest.raises(DataError, match="a line of more than 10 MB"):
        opened(tmp_path / name)


def test_empty_files_in_an_archive_count_too(tmp_path):
    (tmp_path / "a.tar.xz").write_bytes(b"packed")
    budget = Budget(tmp_path / "a.tar.xz", tmp_path, 5_000)
    with pytest.raises(DataError, match="a.tar.xz unpacks to more than 200 times its size"):
        for number in range(SMALL // NAME_BYTES + 1):
            budget.begin(f"a/{number}")
    budget.close()


def test_the_columns_of_a_label_journal_are_read_in_parts(tmp_path):
    long_label(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="unpacks to more than 200 times its size"):
        read_rows(tmp_path / "a.parquet")


def test_glyphs_that_are_stored_as_wide_numbers_are_no_bombs(opened, tmp_path):
    thin = np.zeros((150, 105, 105))
    for number, image in enumerate(thin):  # a stroke of 3% ink, as Omniglot's
        image[5:100, 3 + number % 99] = image[5:100, 4 + number % 97] = 1.0
    labels = np.arange(150) % 5
    np.savez_compressed(tmp_path / "a.npz", images=thin, labels=labels)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        sizes = archive.getinfo("images.npy")
    assert sizes.file_size > 200 * sizes.compress_size
    assert len(opened(tmp_path / "a.npz")) == 150
