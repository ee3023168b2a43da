"""`predict`: what a saved model makes of pictures."""

from __future__ import annotations

import argparse
import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.text import percent
from engine.errors import ImageError
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = "classify pictures; folders and patterns such as 'scans/*.png' work too"
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a run id, a checkpoint's folder or a name in checkpoints/")
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="a picture, a folder of pictures or a pattern"
    )
    parser.add_argument(
        "--top", type=int, default=5, metavar="K", help="how many classes to name (default: 5)"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    folder = lab.model_folder(args.model)  # both mistakes are found before torch is loaded
    files = [file for given in args.images for file in pictures_at(given)]
    predictor = lab.predictor(folder)
    out = []
    for number, file in enumerate(files, 1):
        prediction = predictor.predict([file])[0]
        top = [
            {"class": name, "probability": probability}
            for name, probability in prediction.top(max(1, args.top))
        ]
        out.append(
            {
                "name": str(file),
                "label": prediction.label,
                "probability": top[0]["probability"],
                "top": top,
                "blank": prediction.blank,
            }
        )
        if len(files) > 1:
            progress(number, len(files), "pictures")
    return out


def pictures_at(given: str) -> list[Path]:
    """The picture files that an argument means, in order. Raises ImageError if it means none."""
    path = Path(given).expanduser()
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in PICTURES)
        if not found:
            raise ImageError(
                f"folder {given} holds no pictures",
                expected=f"files ending in {' '.join(sorted(PICTURES))}",
            )
        return found
    if path.exists():
        return [path]
    if not glob.has_magic(given):
        raise ImageError(f"{given} does not exist")
    found = sorted(
        Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file()
    )
    if not found:
        raise ImageError(f"no file matches {given}")
    return found


def show(document: Any) -> str:
    lines = []
    for row in document:
        classes = "  ".join(
            f"{entry['class']} {percent(entry['probability'], 1)}" for entry in row["top"]
        )
        lines.append(f"{row['name']}: " + ("nothing is drawn" if row["blank"] else classes))
    return "\n".join(lines)
