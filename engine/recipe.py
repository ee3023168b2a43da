"""A run is its recipe: everything that decides a result is a field of `Recipe`, saved resolved with
the run.

Training choices (`Stage`) stand at the top level; `stages` lists what each stage changes, for
experiments that train in several stages. `small` is what `scale: small` changes: the same
experiment, end to end, in minutes on two cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from engine.checked import check_plain, read_yaml
from engine.errors import RecipeError, unknown
from engine.file_cache import FileCache

RECIPES = Path(__file__).parent / "recipes"
_Kind = TypeVar("_Kind", bound=BaseModel)


MOST_EPOCHS = 10_000
LARGEST_RATE = 1000
LARGEST_SEED = 2**32 - 1  # what numpy's and scikit-learn's generators take
LARGEST_OPTION = 1e10  # of a model, a loss or a miner


def _options(value: dict[str, Any]) -> dict[str, Any]:
    def largest(item: Any) -> float:
        if isinstance(item, Mapping):
            return max(map(largest, item.values()), default=0)
        if isinstance(item, list | tuple):
            return max(map(largest, item), default=0)
        return abs(item) if isinstance(item, int | float) else 0

    check_plain(value)
    if largest(value) > LARGEST_OPTION:
        raise ValueError(f"no number may be larger than {LARGEST_OPTION:,.0f}")
    return value


def _rates(value: float | tuple[float, ...]) -> float | tuple[float, ...]:
    rates = value if isinstance(value, tuple) else (value,)
    if not 1 <= len(rates) <= 1000 or not all(0 <= rate <= LARGEST_RATE for rate in rates):
        raise ValueError(f"input should be one number or several from 0 to {LARGEST_RATE:,}")
    return value


Options = Annotated[dict[str, Any], AfterValidator(_options)]
Name = Annotated[str, Field(max_length=1000)]
# YAML reads a class called 0 and a folder called 2024 as numbers.
NumberedName = Annotated[Name, BeforeValidator(lambda value: _text_of(value))]


def _text_of(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Augment(_Frozen):
    """Random changes to each training image, drawn anew per sample; zero switches one off. Lengths
    are fractions of the image side.
    """

    rotate: float = Field(default=0, ge=0, le=180, description="degrees either way")
    translate: float = Field(default=0, ge=0, le=0.5, description="shift, fraction of the side")
    zoom: float = Field(default=0, ge=0, le=0.9, description="scale between 1 - zoom and 1 + zoom")
    zoom_min: float | None = Field(
        default=None, gt=0, le=1, description="smallest scale, if not 1 - zoom"
    )
    stretch: float = Field(default=0, ge=0, le=0.9, description="width against height, 1 ± stretch")
    shear: float = Field(default=0, ge=0, le=60, description="degrees either way")
    perspective: float = Field(
        default=0, ge=0, le=0.9, description="how far the corners move, fraction of the side"
    )
    elastic: float = Field(
        default=0, ge=0, le=0.3, description="smooth displacement, fraction of the side"
    )
    elastic_grid: int = Field(
        default=4, ge=2, le=16, description="control points a side of the elastic field"
    )
    thickness: float = Field(
        default=0,
        ge=0,
        le=3,
        description="stroke grown or thinned by up to so many pixels at 28 px",
    )
    flip_horizontal: float = Field(default=0, ge=0, le=1, description="probability")
    flip_vertical: float = Field(default=0, ge=0, le=1, description="probability")
    brightness: float = Field(
        default=0, ge=0, le=1, description="lighting: added brightness, fraction of full range"
    )
    contrast: float = Field(default=0, ge=0, le=1, description="contrast between 1 - c and 1 + c")
    colour: float = Field(
        default=0, ge=0, le=1, description="saturation and per-channel gain jitter (colour images)"
    )
    noise: float = Field(
        default=0,
        ge=0,
        le=1,
        description="standard deviation of added noise, fraction of full range",
    )
    erase: float = Field(
        default=0,
        ge=0,
        le=1,
        description="probability that a rectangle is erased with random values (Zhong et al. 2017)",
    )
    crop: int | None = Field(
        default=None,
        ge=8,
        le=1024,
        description=(
            "resize to this side first, then take a random crop of the stage's size (centre crop"
            " when evaluating)"
        ),
    )
    hide_page: float = Field(
        default=0, ge=0, le=1, description="style duo: probability that the page channel is blanked"
    )
    affine_probability: float = Field(
        default=1, ge=0, le=1, description="share of images that the geometric changes touch"
    )
    lighting_probability: float = Field(
        default=1, ge=0, le=1, description="share of images that the lighting changes touch"
    )


class Stage(_Frozen):
    """The choices of one training stage."""

    epochs: int = Field(
        default=10, ge=1, le=MOST_EPOCHS, description="passes over the training split"
    )
    size: int | None = Field(
        default=None,
        ge=8,
        le=1024,
        description="side of the images fed to the model in pixels (default: the data's)",
    )
    batch_size: int = Field(default=128, ge=1, le=65_536, description="images a step")
    optimizer: Name = Field(default="adamw", description="a name in OPTIMIZERS")
    lr: Annotated[float | tuple[float, ...], AfterValidator(_rates)] = Field(
        default=1e-3,
        description=(
            "peak learning rate; several: one a layer group, first to last, spread evenly in"
            " between"
        ),
    )
    momentum: float = Field(
        default=0.9, ge=0, lt=1, description="of sgd (Nesterov) and rmsprop; beta 1 of adam"
    )
    weight_decay: float = Field(
        default=0.01, ge=0, le=1000, description="decoupled with adamw, else an L2 penalty"
    )
    schedule: Name = Field(default="onecycle", description="a name in SCHEDULES")
    warmup: float = Field(
        default=0.25, ge=0, le=1, description="share of the stage spent rising to the peak rate"
    )
    step_epochs: int = Field(
        default=5, ge=1, le=MOST_EPOCHS, description="schedule step: epochs between drops"
    )
    step_factor: float = Field(
        default=0.1, gt=0, le=1, description="schedule step: factor of each drop"
    )
    clip: float | None = Field(default=None, gt=0, le=1e9, description="largest gradient norm")
    loss: Name = Field(default="cross_entropy", description="a name in LOSSES")
    loss_options: Options = Field(default_factory=dict, description="keyword arguments of the loss")
    miner: Name | None = Field(
        default=None, description="a name in MINERS, for losses on embeddings"
    )
    miner_options: Options = Field(
        default_factory=dict, description="keyword arguments of the miner"
    )
    samples_per_class: int | None = Field(
        default=None,
        ge=2,
        le=65_536,
        description="class-balanced batches with so many images of each class in them",
    )
    mixup: float = Field(
        default=0, ge=0, le=10, description="alpha of mixup (Zhang et al. 2017), 0: none"
    )
    freeze: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="layer groups kept frozen, counted from the input; 99: all but the head",
    )
    ema: float = Field(
        default=0,
        ge=0,
        lt=1,
        description=(
            "decay of an exponential moving average of the weights, 0: none; the average is then"
            " judged and kept"
        ),
    )
    augment: Augment = Field(
        default_factory=lambda: Augment(), description="random changes of training images"
    )
    select: Literal["accuracy", "loss", "knn", "last"] = Field(
        default="accuracy", description="which validation figure picks the best epoch"
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=MOST_EPOCHS,
        description="stop after so many epochs without a better figure",
    )


class DataSpec(_Frozen):
    """Which images, how they are placed on the model's square, and how they are split."""

    name: NumberedName = Field(
        default="digits",
        description=(
            "a data set's name, a folder or a zip; several joined with '+' are pooled, classes by"
            " name"
        ),
    )
    style: Literal["auto", "digit", "page", "duo", "photo"] = Field(
        default="auto", description="how a picture is placed on the square, see STYLES"
    )
    size: int = Field(
        default=28, ge=8, le=1024, description="side in pixels at which the images are cached"
    )
    classes: tuple[NumberedName, ...] | None = Field(default=None, description="only these classes")
    limit: int | None = Field(
        default=None, ge=1, le=10**9, description="at most so many training images, stratified"
    )
    limit_eval: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="at most so many images in each of validation and test, stratified",
    )
    validation: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="share of the training images held out to choose by, stratified",
    )
    test: float = Field(
        default=0,
        ge=0,
        lt=1,
        description="share held out as the test split where the data set has none of its own",
    )
    test_on: NumberedName | None = Field(
        default=None, description="another data set whose test split gives the final score"
    )
    follow_test: bool = Field(
        default=False,
        description=(
            "score the test split after every epoch too, as the studies do; nothing is chosen by it"
        ),
    )
    balance: Literal["none", "class", "source", "root"] = Field(
        default="none",
        description=(
            "draw training images so that each class, or each pooled data set (source), is seen"
            " equally often; root: pooled data sets as often as the square root of their size, so"
            " that a small one is seen more often but not learned by heart"
        ),
    )
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED, description="seed of the split")

    def scored_on(self) -> DataSpec:
        """How the data set that a model is scored on (`test_on`) is loaded: all of its classes and
        images, split as it comes.
        """
        whole = {"classes": None, "limit": None, "test_on": None, "test": 0, "validation": 0}
        return self.model_copy(update={"name": self.test_on, **whole})


class ModelSpec(_Frozen):
    name: Name = Field(default="convnet", description="a name in MODELS")
    options: Options = Field(default_factory=dict, description="keyword arguments of the model")


class Published(_Frozen):
    """The figure a study stated for this experiment."""

    value: float | None = Field(
        default=None, ge=0, le=100, description="percent; none where the study gave words only"
    )
    metric: str = Field(default="accuracy", description="what the figure measures")
    source: str = Field(description="study and section")
    note: str = Field(default="", description="what else was said of the figure")


class Recipe(Stage):
    """A complete experiment. The fields of `Stage` are the defaults of every stage."""

    name: str = Field(max_length=200, description="name of the recipe; the run is named after it")
    title: str = Field(default="", description="how lists show it")
    about: str = Field(default="", description="what this is and what is known of it")
    data: DataSpec = Field(
        default_factory=lambda: DataSpec(), description="which images, and their splits"
    )
    model: ModelSpec = Field(default_factory=lambda: ModelSpec(), description="the network")
    stages: tuple[dict[str, Any], ...] = Field(
        default=(), max_length=100, description="what each stage changes; empty: one stage as above"
    )
    init_from: Name | None = Field(
        default=None, description="a run id, recipe name or checkpoint whose weights to start from"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="of training; auto: bfloat16 where the device is fast in it"
    )
    seed: int = Field(
        default=0, ge=0, le=LARGEST_SEED, description="seed of weights, order and augmentation"
    )
    method: Literal["supervised", "recovered"] = Field(
        default="supervised",
        description="how the labels are used, see engine.jobs.experiment.METHODS",
    )
    temperature: float | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="what logits are divided by when there is no validation split to fit it on",
    )
    published: Published | None = Field(default=None, description="the figure that a study stated")
    target: str = Field(default="", description="what the study set out to reach")
    analysis: str = Field(default="", description="what the study concluded")
    scale: Literal["full", "small"] = Field(
        default="full", description="small: the same experiment in minutes, see `small`"
    )
    small: dict[str, Any] = Field(
        default_factory=dict, description="what `scale: small` changes, as key.path: value"
    )

    def resolved_stages(self) -> list[Stage]:
        """One complete `Stage` per stage, in order. Raises RecipeError for a bad entry of `stages`."""
        base = {name: getattr(self, name) for name in Stage.model_fields}
        out = []
        for number, changes in enumerate(self.stages or ({},)):
            merged = dict(base)
            for key, value in changes.items():
                old = base.get(key)
                merged[key] = (
                    {**old.model_dump(), **value}
                    if isinstance(old, Augment) and isinstance(value, Mapping)
                    else value
                )
            out.append(validated(Stage, merged, f"stage {number + 1}"))
        return out

    def to_yaml(self) -> str:
        return yaml.safe_dump(
            self.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120
        )


def make_recipe(fields: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Recipe:
    """A checked recipe from plain `fields`, with `changes` (key.path → value) on top.

    `scale=small` in either applies the recipe's `small` changes first, so that a person's own
    changes win. Raises RecipeError for an unknown key (with the nearest known one) or a value of
    the wrong kind.
    """
    tree = plain(fields)
    changes = dict(changes or {})
    if changes.get("scale", tree.get("scale")) == "small":
        small = tree.get("small") or {}
        if not isinstance(small, Mapping):
            raise RecipeError("`small` is wrong", expected="key.path: value", got=repr(small)[:80])
        for path, value in small.items():
            _put(tree, path, value)
        tree[
            "small"
        ] = {}  # applied: a saved run that is read again keeps what a person changed on top
    for path, value in changes.items():
        _put(tree, path, value)
    recipe = validated(Recipe, tree, f"recipe '{tree.get('name', '')}'")
    recipe.resolved_stages()
    return recipe


def read_recipe(path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in a YAML file. Raises RecipeError if it is missing, no YAML, or wrong."""
    try:
        tree = _trees.get(Path(path))
    except OSError as error:
        raise RecipeError(f"recipe file {path} can't be read", got=error.strerror) from None
    except ValueError:  # bytes that are no text, or a name that no file can have
        raise RecipeError(
            f"recipe file {path} is not YAML", got="something else than text"
        ) from None
    return make_recipe({"name": Path(path).stem, **tree}, changes)


def _tree_in(path: Path) -> dict[str, Any]:
    tree = read_yaml(path.read_text(encoding="utf-8"), f"recipe file {path}")
    if not isinstance(tree, dict):
        raise RecipeError(
            f"recipe file {path} is wrong", expected="keys and values", got=type(tree).__name__
        )
    return tree


_trees = FileCache(_tree_in, most=2000)  # YAML takes ten times as long to read as to check


def shipped_recipe_names() -> list[str]:
    return sorted(path.stem for path in RECIPES.glob("*.yaml") if not path.stem.endswith("-sweep"))


def shipped_recipe(name: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe that comes with the lab, by name. Raises RecipeError with the nearest name if there
    is none.
    """
    if name not in shipped_recipe_names():
        raise RecipeError(unknown("recipe", name, shipped_recipe_names()))
    return read_recipe(RECIPES / f"{name}.yaml", changes)


def parse_changes(pairs: list[str]) -> dict[str, Any]:
    """`["epochs=3", "data.limit=500"]` → a dict; values are read as YAML. Raises RecipeError
    without a '='.
    """
    out = {}
    for pair in pairs:
        path, sign, text = pair.partition("=")
        if not sign or not path.strip():
            raise RecipeError("a change can't be read", expected="key.path=value", got=repr(pair))
        value = read_yaml(text, f"the value of {path}") if text else None
        out[path.strip()] = _number(value)
    return out


def compare_recipes(recipes: Mapping[str, Recipe]) -> list[dict[str, Any]]:
    """The fields in which recipes differ: rows of `field` and one value per given name."""
    flat = {name: _flatten(recipe.model_dump(mode="json")) for name, recipe in recipes.items()}
    fields = sorted({field for row in flat.values() for field in row} - {"small"})
    rows = [
        {"field": field, **{name: row.get(field) for name, row in flat.items()}} for field in fields
    ]
    return [
        row for row in rows if len({str(value) for key, value in row.items() if key != "field"}) > 1
    ]


def _number(value: Any) -> Any:
    # YAML 1.1 reads 1e-3 as text; a person who writes it means the number.
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def plain(value: Any) -> Any:
    """`value` as YAML meant it, in dicts, lists and numbers of our own."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return (
        _number(value)
        if isinstance(value, str) and value[:1].isdigit() and "e" in value.lower()
        else value
    )


def _put(tree: dict[str, Any], path: str, value: Any) -> None:
    *parents, leaf = path.split(".")
    node: Any = tree
    for depth, key in enumerate(parents):
        if isinstance(node, list):
            node = _item(node, key, path)
            continue
        if node.get(key) is None:
            node[key] = {}
        node = node[key]
        if not isinstance(node, dict | list):
            raise RecipeError(
                f"'{path}' is not a field of a recipe",
                hint=f"'{'.'.join(parents[: depth + 1])}' is a value, not a group.",
            )
    if isinstance(node, list):
        node[int(leaf)] = value if _item(node, leaf, path) is not None else value
    else:
        node[leaf] = plain(value)


def _item(items: list, key: str, path: str) -> Any:
    if not key.isdigit() or int(key) >= len(items):
        raise RecipeError(
            f"'{path}' is not a field of this recipe",
            expected=f"a number from 0 to {len(items) - 1}",
            got=repr(key),
        )
    return items[int(key)]


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value and key != "small":
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def validated(kind: type[_Kind], tree: Mapping[str, Any], where: str) -> _Kind:
    """`tree` as a checked `kind`. Raises RecipeError, beginning with `where`, for the first thing
    that is wrong.
    """
    try:
        return kind.model_validate(dict(tree))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            raise RecipeError(
                f"{where}: {unknown('field', '.'.join(path), _fields_beside(kind, path))}"
            ) from None
        message = first["msg"][0].lower() + first["msg"][1:]
        raise RecipeError(
            f"{where}: {'.'.join(path)}: {message}", got=repr(first["input"])[:120]
        ) from None


def _fields_beside(kind: type[BaseModel], path: list[str]) -> list[str]:
    node: Any = kind
    for key in path[:-1]:
        found = _fields(node).get(key)
        node = found.annotation if found else None
    prefix = ".".join(path[:-1])
    return [f"{prefix}.{name}" if prefix else name for name in _fields(node)]


def _fields(kind: Any) -> dict[str, Any]:
    """The fields of a model, or of the model in `Model | None`; none of anything else."""
    models = [each for each in (kind, *get_args(kind)) if hasattr(each, "model_fields")]
    return models[0].model_fields if models else {}
