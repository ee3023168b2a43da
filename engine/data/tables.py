"""What a file is that holds no picture, in words: for the report, and for whoever gives the wrong
one.
"""

from __future__ import annotations

# ending → what such a file is. The longest that fits counts.
KINDS: dict[str, str] = {
    ".csv": "a CSV table",
    ".tsv": "a TSV table",
    ".xls": "an Excel table",
    ".xlsx": "an Excel table",
    ".json": "a JSON file",
    ".jsonl": "a JSON table",
    ".ndjson": "a JSON table",
    ".xml": "an XML file",
    ".parquet": "a Parquet table",
    ".arrow": "an Arrow table",
    ".feather": "an Arrow table",
    ".npy": "a NumPy array",
    ".npz": "NumPy arrays",
    ".mat": "a MATLAB file",
    ".h5": "an HDF5 file",
    ".hdf5": "an HDF5 file",
    ".pkl": "a Python pickle, which can run code and is never opened",
    ".pickle": "a Python pickle, which can run code and is never opened",
    ".pt": "PyTorch tensors",
    ".pth": "PyTorch tensors",
    ".tfrecord": "a TensorFlow record",
    ".lmdb": "an LMDB database",
    ".db": "a database",
    ".sqlite": "a database",
    ".tar": "a tar archive",
    ".tar.gz": "a tar archive",
    ".tgz": "a tar archive",
    ".tar.bz2": "a tar archive",
    ".tar.xz": "a tar archive",
    ".gz": "a gzip file",
    ".7z": "a 7z archive",
    ".rar": "a RAR archive",
    ".zip": "a zip",
    ".pdf": "a PDF document",
    ".svg": "a drawing of lines (SVG) without pixels",
    ".eps": "a drawing of lines (EPS) without pixels",
    ".mp4": "a video",
    ".mov": "a video",
    ".avi": "a video",
    ".txt": "a text",
    ".md": "a text",
    ".html": "a text",
    ".py": "a program",
    ".ipynb": "a notebook",
}
TABLES = (".csv", ".tsv", ".xls", ".xlsx", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow")


def describe(name: str) -> str:
    """What a file is by its ending: 'a CSV table'; 'not a picture (.xyz)' of what is not known."""
    lower = name.rpartition("/")[2].lower()
    fitting = [ending for ending in KINDS if lower.endswith(ending)]
    if fitting:
        return KINDS[max(fitting, key=len)]
    if ".tfrecord-" in lower:  # one of several: mnist-train.tfrecord-00000-of-00001
        return KINDS[".tfrecord"]
    dot = lower.rfind(".")
    return f"not a picture ({lower[dot:]})" if dot > 0 else "not a picture"


def is_archive(name: str) -> bool:
    """Whether a file is packed, by its ending."""
    kind = describe(name)
    return kind.endswith(("archive", "a zip", "a gzip file"))


def is_table(name: str) -> bool:
    """Whether a file may say which picture is of which class."""
    return name.lower().endswith(TABLES)
