"""`predict`: what a saved model makes of pictures."""

from __future__ import annotations

import argparse
import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli import Ended
from engine.errors import ImageError
from engine.imaging.formats import is_hidden, is_picture
from engine.progress import Progress
from engine.recognition.confusables import NOTHING, likely

if TYPE_CHECKING:
    from engine.lab import Lab

HELP = (
    "classify pictures, folders and patterns such as 'scans/*.png'; exits with 1 if some of them can't"
    " be read, with 2 if none can"
)


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
    predictor, gallery = lab.predictor(folder), lab.galleries.get(str(folder))
    from engine.imaging.images import Page, open_picture
    from engine.services.verdicts import verdict_on

    out: list[dict[str, Any]] = []
    for number, file in enumerate(files, 1):
        try:
            page = Page(open_picture(file))
            prediction = predictor.predict([page])[0]
            verdict = verdict_on(page, prediction, predictor, gallery)
        except ImageError as error:
            if len(files) == 1:
                raise
            out.append({"name": readable(file), "error": str(error)})
            continue
        finally:
            if len(files) > 1:
                progress(number, len(files), "pictures")
        top = [
            {"class": name, "probability": probability}
            for name, probability in prediction.top(max(1, args.top))
        ]
        blank = prediction.blank  # what the network makes of an empty square means nothing
        out.append(
            {
                "name": readable(file),
                "label": NOTHING if blank else prediction.label,
                "probability": None if blank else top[0]["probability"],
                "top": [] if blank else top,
                "blank": blank,
                "verdict": verdict.kind,
            }
        )
    bad = sum("error" in row for row in out)
    if bad == len(out):
        raise Ended(out, 2, f"none of {len(out)} pictures can be read")
    if bad:
        raise Ended(out, 1, f"{bad} of {len(out)} pictures can't be read")
    return out


def pictures_at(given: str) -> list[Path]:
    """The picture files that an argument means, in order; of a folder, those that are not hidden.

    Raises ImageError if it means none.
    """
    path = Path(given).expanduser()
    if path.is_dir():
        inside = [(file, file.relative_to(path).as_posix()) for file in path.rglob("*")]
        found = sorted(file for file, name in inside if is_picture(name) and not is_hidden(name))
        if not found:
            raise ImageError(
                f"folder {given} holds no pictures",
                expected="files ending in .png, .jpg, .tif, .heic …",
                got=f"{sum(file.is_file() for file, _ in inside)} other files",
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


def readable(file: Path) -> str:
    """A path as text that can be printed: '�' stands for bytes that are not UTF-8."""
    return os.fsencode(file).decode("utf-8", "replace")


def show(document: Any) -> str:
    return "\n".join(f"{row['name']}: {_in_words(row)}" for row in document)


def _in_words(row: dict[str, Any]) -> str:
    if "error" in row:
        return row["error"]
    if row["blank"]:
        return "nothing is drawn"
    if row["verdict"] == "unlike":  # a share of the classes is no probability of being right
        return f"not sure: unlike the training images; most like {row['label']}"
    classes = "  ".join(f"{entry['class']} {likely(entry['probability'])}" for entry in row["top"])
    doubt = {"unsure": "not sure: ", "several": "more than one character: "}.get(row["verdict"], "")
    return doubt + classes
