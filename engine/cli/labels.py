"""`labels`: what people decided about single images of a data set, and more decisions."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.text import counted, percent, table
from engine.errors import GlyphlabError, unknown
from engine.progress import Progress

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.labels.entries import Entry
    from engine.services.annotators import Agreement

HELP = "list, change and take back labels of single images; export and import the label journal"
WHY = "command line"
UNDECIDED = "Nobody has decided about a label yet."
NONE_HOLDS = "No decision about these images holds: `log` lists all that were made."


def arguments(parser: argparse.ArgumentParser) -> None:
    what = "; ".join(f"{name}: {action.about}" for name, action in DOES.items())
    parser.add_argument("data", help="a data set's name, a folder or a zip")
    parser.add_argument("do", nargs="?", default="list", metavar="WHAT", help=f"{what}")
    parser.add_argument(
        "what",
        nargs="*",
        metavar="IMAGE",
        help="names of images, as `list` and the pages print them; of export and import: the file",
    )
    parser.add_argument("--to", metavar="CLASS", help="relabel: the label that the images get")
    parser.add_argument("--tag", default="", help="tag, untag: the tag")
    parser.add_argument("--id", help="undo: the entry to take back (default: the latest by --who)")
    parser.add_argument("--who", help="who decides (default: the name of your account)")
    parser.add_argument(
        "--new-class", action="store_true", help="relabel, import: classes may be new"
    )


def run(lab: Lab, args: argparse.Namespace, progress: Progress) -> Any:
    from engine.services.labels import account

    if args.do not in DOES:
        raise GlyphlabError(unknown("action", args.do, DOES))
    args.who = args.who or account()
    return {"data": args.data, "do": args.do, **DOES[args.do].run(lab, args)}


class _Does:
    """One thing to do: its line in the help, and its function of the lab and the arguments."""

    def __init__(self, about: str, run: Callable[[Lab, Any], dict[str, Any]]) -> None:
        self.about, self.run = about, run


def _list(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    given = lab.labels.given(args.data)
    current = lab.labels.current(args.data)
    rows = [
        {
            "image": sample,
            "given": given.get(sample),
            "label": now.label if now.label is not None else given.get(sample),
            "excluded": now.excluded,
            "tags": sorted(now.tags),
            "missing": sample not in given,
        }
        for sample, now in current.items()
        if not args.what or sample in args.what
    ]
    return {"position": len(lab.labels.decisions(args.data).entries()), "images": rows}


def _log(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    entries = lab.labels.decisions(args.data).entries()
    return {"entries": [entry.model_dump() for entry in entries]}


def _relabel(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    if args.to is None:
        raise GlyphlabError("relabel needs a label", hint="Give it with --to CLASS.")
    made = lab.labels.relabel(
        args.data, args.what, args.to, who=args.who, why=WHY, new_class=args.new_class
    )
    return _made(made)


def _mark(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    made = lab.labels.mark(args.data, args.do, args.what, who=args.who, why=WHY, tag=args.tag)
    return _made(made)


def _undo(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    found = lab.labels.undo(
        args.data,
        who=args.who,
        why=WHY,
        of=None if args.id or args.what else args.who,
        id=args.id,
        samples=args.what or None,
    )
    if found is None:
        raise GlyphlabError(
            "there is nothing to take back",
            got=args.id or f"by {args.who}",
            hint=_whose(lab.labels.decisions(args.data).latest(samples=args.what or None)),
        )
    return _made([found])


def _whose(latest: tuple[Entry, list[str]] | None) -> str | None:
    """How the latest entry that holds is taken back, if there is one."""
    if latest is None:
        return None
    entry, _ = latest
    return (
        f"The latest decision that holds is {entry.id} by {entry.who}: --who {shlex.quote(entry.who)}"
        f" takes back that person's latest, --id {entry.id} this one."
    )


def _made(entries: list[Entry]) -> dict[str, Any]:
    return {
        "entries": [
            {"id": entry.id, "action": entry.action, "images": len(entry.samples)}
            for entry in entries
        ]
    }


def _export(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    return {"file": lab.labels.export(args.data, _file(args))}


def _import(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    file = _file(args)
    new = lab.labels.take_in(args.data, file, who=args.who, new_class=args.new_class)
    taken = lab.labels.decisions(args.data).entries()[-new:] if new else []
    return {"file": file, "new": new, "about": sum(len(entry.samples) for entry in taken)}


def _file(args: argparse.Namespace) -> Path:
    if len(args.what) != 1:
        raise GlyphlabError(
            f"{args.do} needs a file", expected="one .csv or .parquet", got=len(args.what)
        )
    return Path(args.what[0]).expanduser()


def _agreement(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    found = _labelled_by_several(lab, args)
    return {
        "alpha": found.alpha,
        "fleiss": found.fleiss._asdict(),
        "people": [asdict(one) for one in found.people],
        "pairs": [pair._asdict() for pair in found.pairs],
        "labelled_by_several": len(found.images),
        "disputed": [
            {
                "image": one.sample,
                "label": one.label,
                "p": one.p,
                "votes": one.votes,
                "now": one.now,
                "settled": one.settled,
            }
            for one in found.disputed
        ],
    }


def _labelled_by_several(lab: Lab, args: argparse.Namespace) -> Agreement:
    found = lab.annotators.agreement(args.data)
    if found is None:
        raise GlyphlabError(
            f"no image of {args.data} was labelled by two people",
            hint="Labels of several come from an annotator column, or with --who NAME.",
        )
    return found


def _consensus(lab: Lab, args: argparse.Namespace) -> dict[str, Any]:
    there = _labelled_by_several(lab, args).images
    wanted = args.what or [one.sample for one in there if one.differs]
    made = lab.annotators.take_consensus(args.data, wanted, who=args.who) if wanted else []
    return {**_made(made), "open": sum(not one.settled for one in there)}


DOES: dict[str, _Does] = {
    "list": _Does("what holds of images that somebody decided about", _list),
    "log": _Does("every entry of the journal", _log),
    "relabel": _Does("give images a label", _relabel),
    "exclude": _Does("leave images out of every split", _mark),
    "include": _Does("include excluded images again", _mark),
    "tag": _Does("put a tag on images", _mark),
    "untag": _Does("take a tag off", _mark),
    "undo": _Does("take an entry back, or its part about the images named", _undo),
    "agreement": _Does("how far several people agree, and the images they dispute", _agreement),
    "consensus": _Does("give disputed images, or those named, the consensus label", _consensus),
    "export": _Does("write the journal as .csv or .parquet", _export),
    "import": _Does("take in such a file, or a list with columns sample, label", _import),
}


def show(document: Any) -> str:
    if "images" in document:
        rows = [
            [
                row["image"],
                row["given"],
                "excluded" if row["excluded"] else row["label"],
                " ".join(row["tags"]),
            ]
            for row in document["images"]
        ]
        head = ("image", "given", "label", "tags")
        return table(rows, head) if rows else NONE_HOLDS if document["position"] else UNDECIDED
    if document["do"] == "log":
        rows = [
            [
                entry["entry"],
                entry["id"],
                entry["at"],
                entry["who"],
                entry["action"],
                len(entry["samples"]),
                ", ".join(dict.fromkeys(entry["to"])) or entry["tag"] or entry["undoes"],
                entry["why"],
            ]
            for entry in document["entries"]
        ]
        head = ("entry", "id", "when", "who", "what", "images", "to", "where")
        return table(rows, head) if rows else UNDECIDED
    if "pairs" in document:
        return _show_agreement(document)
    if document.get("entries") == []:
        left = document.get("open")
        return "The labels are the consensus already" + (
            f", but for {left:,} where no class that somebody gave has a probability above 50%."
            if left
            else "."
        )
    if "new" in document:
        about = f" about {counted(document['about'], 'image')}" if document["new"] else ""
        return f"{counted(document['new'], 'new entry')}{about} from {document['file']}"
    if "file" in document:
        return str(document["file"])
    verb = "taken back" if document["do"] == "undo" else "written"
    return "\n".join(
        f"{verb}: {entry['action']} of {counted(entry['images'], 'image')}, id {entry['id']}"
        for entry in document["entries"]
    )


def _show_agreement(document: dict[str, Any]) -> str:
    fleiss = document["fleiss"]
    people = [
        [
            one["name"],
            one["labels"],
            one["shared"],
            percent(one["right"]),
            "{} as {} ({:,})".format(*one["error"]) if one["error"] else "",
        ]
        for one in document["people"]
    ]
    pairs = [
        [pair["first"], pair["second"], pair["n"], percent(pair["alike"]), _kappa(pair["kappa"])]
        for pair in document["pairs"]
    ]
    images = [
        [
            one["image"],
            one["now"],
            f"{one['label']} ({percent(one['p'])})" if one["settled"] else "none above 50%",
            ", ".join(f"{who}: {label}" for who, label in one["votes"].items()),
        ]
        for one in document["disputed"]
    ]
    several = document["labelled_by_several"]
    parts = [
        f"Krippendorff's alpha {_kappa(document['alpha'])}, of {several:,} images that several labelled",
        f"Fleiss' kappa {_kappa(fleiss['kappa'])}, of {fleiss['n']:,} that {fleiss['raters']} labelled",
        table(people, ("who", "labels", "shared", "as the consensus", "most often otherwise")),
        table(pairs, ("first", "second", "images", "alike", "Cohen's kappa")),
        table(images, ("image", "label now", "consensus", "votes"))
        if images
        else "No image is disputed.",
    ]
    return "\n\n".join(parts)


def _kappa(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
