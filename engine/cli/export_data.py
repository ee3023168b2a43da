"""`export-data`: a data set for use elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.text import megabytes
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "write a data set with its reviewed labels: picture folders, Parquet or CSV, with metadata"


def arguments(parser: argparse.ArgumentParser) -> None:
    from engine.exports.forms import EXPORT_FORMS

    forms = "; ".join(f"{name}: {form.about}" for name, form in EXPORT_FORMS.items())
    parser.add_argument("name", help="a data set's name, a folder or a zip")
    parser.add_argument("--as", dest="form", default="parquet", help=f"{forms} (default: parquet)")
    parser.add_argument(
        "--to",
        metavar="PATH",
        help="the folder to write, or a zip if it ends so (default: NAME-FORM in this folder)",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    default = f"{Path(args.name).stem}-{args.form}"
    target = Path(args.to or default).expanduser()
    made = lab.exports.dataset(args.name, args.form, target, progress)
    files = [made] if made.is_file() else [path for path in made.rglob("*") if path.is_file()]
    return {
        "name": args.name,
        "form": args.form,
        "path": made,
        "files": len(files),
        "size_bytes": sum(file.stat().st_size for file in files),
    }


def show(document: Any) -> str:
    return f"{document['path']} ({megabytes(document['size_bytes'])})"
