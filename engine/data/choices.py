"""What a person may decide about a data set where the files leave it open, or are read wrongly."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (JSON leaves the kinds of its values open.)
from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from engine.errors import DataError

MOST_PARTS = 12  # of a file's name


@dataclass(frozen=True)
class Choices:
    """None or '' where the files decide.

    path, label, split, annotator  columns of a table: the picture's path, its class, its split, who
                                   named it
    paper                          whether paper is 'light' or 'dark' in all pictures
    test                           share of the labelled images, 0 to 0.5, that become the test
                                   split, stratified, where the data set has none
    unlabelled                     no image has a label yet, whatever folders and tables are called
    part                           which part of a picture's file name is its class, whatever folders
                                   and tables say: 1 the first, -1 the last, 0 none
    """

    path: str = ""
    label: str = ""
    split: str = ""
    annotator: str = ""
    paper: Literal["light", "dark"] | None = None
    test: float = 0.0
    unlabelled: bool = False
    part: int = 0

    def __post_init__(self) -> None:
        if self.paper not in (None, "light", "dark"):
            raise DataError("paper can't be used", expected="light or dark", got=repr(self.paper))
        if not 0 <= self.test <= 0.5:
            raise DataError(
                "the share of test images can't be used", expected="0 to 0.5", got=self.test
            )
        if abs(self.part) > MOST_PARTS:
            raise DataError(
                "the part of the file names can't be used",
                expected=f"1 to {MOST_PARTS}, or -1 to -{MOST_PARTS} from the end",
                got=self.part,
            )

    @property
    def columns(self) -> bool:
        """Whether columns of a table are chosen."""
        return bool(self.path or self.label or self.split or self.annotator)

    @property
    def key(self) -> str:
        """For caches: '' where the files decide everything."""
        if self == AS_FOUND:
            return ""
        kept = asdict(self)
        for later in ("unlabelled", "part"):
            if not kept[later]:
                del kept[later]  # as written by versions that did not know it
        return repr(sorted(kept.items()))


AS_FOUND = Choices()


def read_choices(kept: Any) -> Choices:
    """The choices in a document that `asdict` wrote; keys that are not known are passed over. Raises
    DataError.
    """
    if not isinstance(kept, dict):
        return AS_FOUND
    known = {field.name: kept[field.name] for field in fields(Choices) if field.name in kept}
    try:
        return Choices(**known)
    except TypeError as error:
        raise DataError("the choices that were kept can't be used", got=str(error)) from None
