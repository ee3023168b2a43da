"""`datasets`: what there is to train on, what one of them holds, and fetching one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.text import table
from engine.data.address import is_on_the_web
from engine.data.choices import AS_FOUND, Choices
from engine.data.hub import is_address
from engine.errors import DataError
from engine.files.atomic import plain
from engine.progress import Progress
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.data.info import DatasetInfo
    from engine.lab import Lab
    from engine.services.contents import Contents

HELP = "list the data sets, show what one holds, fetch one from its public source"

SHOWN = 50  # skipped files
KINDS = {
    "digit": "single characters",
    "page": "characters, place and size kept",
    "photo": "photographs",
}
COLUMNS = ("path", "label", "split", "annotator")
FEW = 2_000  # images that are opened without being asked for it: a few seconds


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        help="a data set's name, a folder or a zip: show its classes, counts and skipped files",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help=(
            "open every image first: blank, identical and unreadable ones are then named (up to"
            f" {FEW:,} are opened anyway)"
        ),
    )
    parser.add_argument(
        "--fetch",
        metavar="NAME",
        help=(
            "download this data set (it is checked, and resumed after a break); or keep what is at"
            " an address as one: hf://owner/name (with @revision, #configuration), https://…"
        ),
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help=(
            "make the folder or file a data set of the lab, read as the options below say; it stays"
            " where it is. Of a data set that was given to the lab: read it so from now on"
        ),
    )
    how = parser.add_argument_group("how it is read, where the files leave it open or are misread")
    for role in COLUMNS:
        how.add_argument(
            f"--{role}-column", metavar="NAME", default="", help=f"the column of the {role}"
        )
    how.add_argument("--paper", choices=("light", "dark"), help="what the paper is, in all images")
    how.add_argument(
        "--test-share",
        metavar="SHARE",
        type=float,
        default=0.0,
        help="share of each class that becomes the test split, 0 to 0.5, where there is none",
    )
    how.add_argument("--unlabelled", action="store_true", help="treat all images as unlabelled")
    how.add_argument(
        "--name-part",
        metavar="N",
        type=int,
        default=0,
        help="the class is part N of the file names: 1 the first, -1 the last (7_0001.png)",
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    if args.fetch and (is_address(args.fetch) or is_on_the_web(args.fetch)):
        kept = lab.data.imports.fetch(args.fetch, progress)
        return {"name": kept.name, "path": kept.path}
    if args.fetch:
        path = lab.data.fetch(args.fetch, progress)
        return {"name": args.fetch, "path": path}
    if args.name:
        found, kept = _found(lab, args, progress)
        classes = [
            {"name": name, "train": int(train), "val": int(val), "test": int(test)}
            for name, (train, val, test) in zip(found.classes, found.counts.T, strict=True)
        ]
        report = found.report
        skipped = [{"name": name, "reason": reason} for name, reason in report.skipped]
        return {
            "name": args.name,
            "kept_as": kept,
            "kind": found.kind,
            "images": found.images,
            "classes": classes,
            "splits": found.splits,
            "skipped": skipped,
            "notes": found.notes,
            "report": {
                **plain(report),
                "skipped": skipped,
                "absent": [{"name": name, "reason": reason} for name, reason in report.absent],
                "findings": [finding._asdict() for finding in report.findings],
            },
        }
    if args.keep or args.check or _choices(args) != AS_FOUND:
        raise DataError("no data set is given", hint="Name it, or give a folder or file.")
    return [_listed(info) for info in lab.datasets()]


def _listed(info: DatasetInfo) -> dict[str, Any]:
    """A data set in the list; counts that are not known yet are None."""
    # of an empty one 0 is right, but not of a folder that nobody has read yet
    unknown = bool(info.images) or not info.here or not info.kind
    classes = None if unknown and not info.classes else info.classes
    images = info.images if info.images or (info.here and info.kind) else None
    return {**plain(info), "images": images, "classes": classes}


def _found(lab: Lab, args: argparse.Namespace, progress: Progress) -> tuple[Contents, str | None]:
    """What the data set holds, read as the options say; and under which name it is kept so, if that
    is asked.
    """
    choices, name, kept = _choices(args), args.name, None
    if args.keep:
        name = kept = lab.data.imports.keep_as(name, choices, progress).name
    elif choices != AS_FOUND:
        staged = lab.data.imports.stage_path(name)
        found = lab.data.imports.look_at(staged, choices, check=args.check, progress=progress)
        if found.contents.report.checked or found.contents.images > FEW:
            return found.contents, None
        found = lab.data.imports.look_at(staged, choices, check=True, progress=progress)
        return found.contents, None
    found = (lab.data.check if args.check else lab.data.contents)(name, progress=progress)
    if found.report.checked or found.images > FEW:
        return found, kept
    return lab.data.check(name, progress=progress), kept


def _choices(args: argparse.Namespace) -> Choices:
    columns = {role: getattr(args, f"{role}_column") for role in COLUMNS}
    return Choices(
        **columns,
        paper=args.paper,
        test=args.test_share,
        unlabelled=args.unlabelled,
        part=args.name_part,
    )


def show(document: Any) -> str:
    if isinstance(document, list):
        rows = [
            [
                info["name"],
                info["title"],
                _where(info),
                info["images"] or None,
                info["classes"] or None,
                info["about"],
            ]
            for info in document
        ]
        return table(rows, ("name", "title", "where", "images", "classes", "about"))
    if "classes" not in document:
        return f"{document['name']} is in {document['path']}"
    sizes = ", ".join(f"{count:,} {name}" for name, count in document["splits"].items())
    classes = document["classes"]
    columns = [split for split in ("train", "val", "test") if any(row[split] for row in classes)]
    more = len(document["skipped"]) - SHOWN
    trained = sum(any(row[split] for split in columns) for row in classes) > 1
    return "\n".join(
        [
            (
                f"{document['name']}: {document['images']:,} images of"
                f" {len(classes)} class{'' if len(classes) == 1 else 'es'}"
            ),
            *([_kept(document["kept_as"], trained)] if document["kept_as"] else []),
            f"image type: {KINDS[document['kind']]} (kind '{document['kind']}')",
            f"a recipe splits them into {sizes}, unless it says otherwise"
            if trained
            else "no recipe is trained on them as they are: it takes images of two classes",
            *(f"{key}: {text}" for key, text in document["notes"].items() if key == "test"),
            *_report(document["report"]),
            "",
            "images of each class in the splits as they are stored:",
            table(
                [[row["name"], *(row[split] for split in columns)] for row in classes],
                ("class", *columns),
            ),
            *(f"skipped {row['name']}: {row['reason']}" for row in document["skipped"][:SHOWN]),
            *([f"… and {more:,} more, which --json names"] if more > 0 else []),
        ]
    )


def _kept(name: str, trained: bool) -> str:
    """trained: whether a recipe can be."""
    shown = f"kept as '{name}': the pages show it, `{COMMAND} datasets {name}` too"
    return (
        f"{shown}, and a recipe is trained on it with --set data.name={name}" if trained else shown
    )


def _report(report: dict[str, Any]) -> list[str]:
    """The import report, a line for each thing to know."""
    lines = []
    if report["form"]:
        parts = [f"{report['seen']:,} files seen", f"{report['images']:,} images read"]
        parts += [f"{len(report['skipped']):,} skipped"] if report["skipped"] else []
        parts += [f"{len(report['hidden']):,} hidden"] if report["hidden"] else []
        names = f"{len(report['read']):,} table{'s' if len(report['read']) > 1 else ''}"
        parts += (
            [f"{names} that name{'' if len(report['read']) > 1 else 's'} them"]
            if report["read"]
            else []
        )
        lines.append(f"{report['form']}: {', '.join(parts)}")
        lines.append(f"layout: {report['layout']} ({report['why']})")
        own = ", ".join(f"{count:,} {name}" for name, count in report["official"].items())
        guessed = ", guessed" if report["guessed"] else ""
        lines.append(f"names: {report['encoding']}{guessed}; splits as stored: {own or 'none'}")
        lines.append(f"pixels: {report['levels']}; {report['polarity']}")
    lines += [f"absent {row['name']}: {row['reason']}" for row in report["absent"][:SHOWN]]
    more = len(report["absent"]) - SHOWN
    lines += [f"… and {more:,} more that are absent, which --json names"] if more > 0 else []
    lines += [f"{one['level']}, {one['about']}: {one['text']}" for one in report["findings"]]
    if not report["checked"]:
        lines.append("not every image has been opened yet: --check does so")
    return lines


def _where(info: dict[str, Any]) -> str:
    if info["here"]:
        return str(info["path"] or "built in")
    return "can be fetched" if info["fetchable"] else "not here"
