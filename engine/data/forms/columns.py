"""Which column of a table holds what: by its name where that says it, by its content otherwise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from engine.data.choices import Choices
from engine.data.forms.text import Table
from engine.data.listing import TEST, TRAIN, VAL
from engine.data.names import composed
from engine.data.roles import UNLABELLED, role_of, roles_of
from engine.errors import DataError, unknown

LABELS = tuple(
    "label labels class classname class_name classes category category_name target y character char"
    " letter symbol digit choice choices tag ground_truth groundtruth gt truth given_label"
    " label_name name_of_class species word text transcription unicode code annotation latex"
    # German, French, Spanish, Portuguese, Italian, Polish, Czech, Turkish, Russian, Chinese,
    # Japanese and Korean, behind the English ones.
    " klasse klassen klassenname kategorie bezeichnung beschriftung zeichen buchstabe ziffer"
    " classe étiquette etiquette étiquettes catégorie categorie caractère caractere lettre chiffre"
    " clase etiqueta categoría categoria carácter caracter letra dígito digito rótulo rotulo etichetta"
    " klasa etykieta kategoria třída trida sınıf sinif etiket класс метка категория буква символ цифра"
    " 标签 标注 类别 類別 标记 字符 标签名 ラベル クラス 文字 라벨 레이블 클래스 분류".split()
)
_SPLITS_ELSEWHERE = tuple(
    "aufteilung teilung teilmenge datensatz ensemble conjunto subconjunto partición particion partição"
    " particao insieme разбиение выборка 数据划分 划分 子集 分割 분할".split()
)
SPLITS = (
    *"split set subset partition data_split fold usage phase dataset part".split(),
    *_SPLITS_ELSEWHERE,
)
SURE_SPLITS = frozenset((*SPLITS[:5], *_SPLITS_ELSEWHERE))
PATHS = tuple(
    "path file filename file_name filepath file_path image image_path img img_path image_file"
    " image_name picture id image_id uri url name".split()
)
ANNOTATORS = tuple(
    "annotator annotators annotator_id annotated_by labeler labeller labelled_by worker worker_id"
    " rater completed_by".split()
)
# Who wrote: not who named the class, unless several of them name one picture.
WRITERS = tuple(
    "writer writer_id user user_id author author_id person person_id subject subject_id participant"
    " participant_id student student_id scribe drawer contributor contributor_id".split()
)
BY_NAME = "by its name"
MOST_SPLITS = 6
ENOUGH = 0.5  # share of a column's paths that must be there


class Roles(NamedTuple):
    """Names of a table's columns, numbers from 1 where it has none; and (role, column) of those that
    were taken for something.
    """

    columns: tuple[str, ...] = ()
    taken: tuple[tuple[str, str], ...] = ()


class Columns(NamedTuple):
    """Numbers of columns, None where there is none; `why` says by what the label was found, `sure`
    whether its name or a person says so, and `doubt` what a person should know about that. `writer`
    says who wrote what is in the picture, `by_number` whether paths are numbers that may have lost
    their leading zeros.
    """

    path: int
    label: int | None
    split: int | None
    annotator: int | None
    why: str
    sure: bool
    doubt: str = ""
    writer: int | None = None
    by_number: bool = False

    def roles(self, table: Table) -> Roles:
        """The columns that a person may choose otherwise."""
        taken = {"path": self.path, "label": self.label, "split": self.split}
        return roles_in(table.columns, {**taken, "annotator": self.annotator})

    def label_in_words(self, table: Table) -> str:
        """Which column the label is, and by what it was found."""
        name = table.columns[self.label] if self.label is not None else ""
        column = f"'{name}'" if name else f"column {(self.label or 0) + 1}"
        return f"{column}: {self.why}"


def roles_in(columns: Sequence[str], taken: Mapping[str, int | None]) -> Roles:
    """What columns are called, and which of them, by number, are what."""
    shown = tuple(name or str(number) for number, name in enumerate(columns, 1))
    return Roles(shown, tuple((role, shown[c]) for role, c in taken.items() if c is not None))


def plain_name(name: str) -> str:
    """A column's name in small letters, words joined by '_'."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", composed(name.strip()))
    return re.sub(r"\W+", "_", words.lower()).strip("_")


def named(columns: Sequence[str], words: Sequence[str]) -> int | None:
    """The column whose name is the first of these words that any has."""
    names = [plain_name(name) for name in columns]
    return next((names.index(word) for word in words if word in names), None)


def chosen(columns: Sequence[str], name: str, table: str) -> int | None:
    """The column that a person named, '' for none; a column without a name has its number from 1."""
    if not name:
        return None
    if name in columns:
        return list(columns).index(name)
    numbered = name.isascii() and name.isdigit() and 0 < int(name) <= len(columns)
    if numbered and not columns[int(name) - 1]:
        return int(name) - 1
    shown = [one or str(number) for number, one in enumerate(columns, 1)]
    raise DataError(f"{table}: {unknown('column', name, shown)}")


def path_column(
    table: Table,
    rows: Sequence[Sequence[str | None]],
    there: Callable[[str], bool],
    choices: Choices,
) -> int | None:
    """The column whose texts are paths of pictures that are there; None if there is none."""
    if (own := chosen(table.columns, choices.path, table.name)) is not None:
        return own
    found: list[tuple[float, int, int]] = []
    for column in range(len(table.columns)):
        texts = [text for row in rows if (text := row[column])]
        if texts:
            share = sum(map(there, texts)) / len(texts)
            is_named = named([table.columns[column]], PATHS) is not None
            found.append((round(share, 2), is_named, -column))
    best = max(found, default=(0.0, 0, 0))
    return -best[2] if best[0] >= ENOUGH else None


def columns_of(table: Table, path: int, choices: Choices) -> Columns:
    """Label, split and annotator of a table whose paths are in the column `path`. Raises DataError
    for a chosen column that is not there.
    """
    names = table.columns
    split = chosen(names, choices.split, table.name)
    if split is None:
        split = named(names, SPLITS)
        if split is None:
            split = next((c for c, name in enumerate(names) if _truth_of(name) is not None), None)
        if split is None or split == path or not _may_be_split(table, split):
            by_content = (c for c in range(len(names)) if c != path and _tells_splits(table, c))
            split = next(by_content, None)
    annotator = chosen(names, choices.annotator, table.name)
    writer = named(names, WRITERS)
    if annotator is None:
        annotator = named(names, ANNOTATORS)
        if annotator is None and writer is not None and _name_again(table, path, writer):
            annotator = writer
    writer = None if writer in (annotator, path, split) else writer
    taken = {path, split, annotator, writer}
    label = chosen(names, choices.label, table.name)
    if label is not None:
        return Columns(
            path, label, split, annotator, "as chosen in the import settings", True, "", writer
        )
    others = [c for c in range(len(names)) if c not in taken]
    by_name = named([table.columns[c] for c in others], LABELS)
    if by_name is not None:
        return Columns(path, others[by_name], split, annotator, BY_NAME, True, "", writer)
    label, why, doubt = _label_column(table, others)
    return Columns(path, label, split, annotator, why, False, doubt, writer)


def _name_again(table: Table, path: int, column: int) -> bool:
    """Whether a picture is named by several values of a column."""
    pairs = {(row[path], row[column]) for row in table.rows}
    return len(pairs) > len({row[path] for row in table.rows})


def _label_column(table: Table, others: Sequence[int]) -> tuple[int | None, str, str]:
    """The column that is likeliest to be the label, by what, and what is doubtful about it."""
    if not others:
        return None, "there is no other column", ""
    if len(others) == 1:
        return others[0], "it is the only other column", ""
    # Classes come again and again; sizes, times and numbers of pictures do so less.
    counts = {c: len({row[c] for row in table.rows if row[c]}) for c in others}
    fitting = [c for c in others if 1 < counts[c] <= max(2, len(table.rows) // 2)]
    if not fitting:
        return None, "no other column holds values that come again", ""
    best = min(fitting, key=lambda c: (is_measure(table, c), c))
    shown = [f"'{table.columns[c]}'" if table.columns[c] else str(c + 1) for c in (best, *others)]
    shown = list(dict.fromkeys(shown))
    doubt = (
        f"no column is called a label: {shown[0]} is taken for it, of {', '.join(shown[1:6])}. If"
        " that is wrong, choose the label column when you import it."
    )
    return best, "it is the first other column whose values come again", doubt


def is_measure(table: Table, column: int) -> bool:
    """Whether a column holds fractions, as coordinates and times are."""
    texts = [text for row in table.rows[:200] if (text := row[column])]
    return any(re.fullmatch(r"-?\d+\.\d*[1-9]\d*", text) for text in texts)


def _may_be_split(table: Table, column: int) -> bool:
    """Whether a column that is called like a split may be one: of values that nobody knows there
    are few.
    """
    if _tells_splits(table, column):
        return True
    sure = plain_name(table.columns[column]) in SURE_SPLITS
    return sure and 1 < len({row[column] for row in table.rows if row[column]}) <= 3


def _tells_splits(table: Table, column: int) -> bool:
    values = {text.strip() for row in table.rows if (text := row[column])}
    if not 1 <= len(values) <= MOST_SPLITS:
        return False
    if _truth_of(table.columns[column]) is not None:
        return all(_truth(value) is not None for value in values)
    return all(role_of(value) is not None for value in values)


def split_of(table: Table, column: int) -> tuple[dict[str, int], str]:
    """The code of each value of a split column, and what is doubtful about it. Values whose names
    say nothing are taken by how many they are: the most are for training.
    """
    yes = _truth_of(table.columns[column])
    counts = Counter(text.strip() for row in table.rows if (text := row[column]))
    if yes is not None and all(_truth(value) is not None for value in counts):
        return {v: yes if _truth(v) else (TEST if yes == TRAIN else TRAIN) for v in counts}, ""
    roles = roles_of(counts)
    if len(roles) == len(counts):
        return {value: role.code for value, role in roles.items()}, ""
    order = [value for value, _ in counts.most_common()]
    if len(order) > 3:
        return {}, f"the column '{table.columns[column]}' has {len(order)} values: it is not read."
    codes: dict[str, int] = dict(zip(order, (TRAIN, TEST, VAL), strict=False))
    values = ", ".join(f"'{one}'" for one in order)
    words = ", ".join(("train", "test", "val")[: len(order)])
    return codes, f"the splits {values} are taken for {words} by how many images they have."


def is_unlabelled_split(code: int) -> bool:
    return code == UNLABELLED


def _truth_of(name: str) -> int | None:
    """The split of which a column says whether a picture is of it: is_valid, is_test, IsTrain."""
    before, _, split = plain_name(name).partition("is_")
    role = None if before else role_of(split)
    return None if role is None or role.code == UNLABELLED else role.code


def _truth(value: str) -> bool | None:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
        value.lower()
    )
