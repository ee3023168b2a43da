"""How the code may be arranged: imports point one way, files stay small, nothing heavy loads before
it is needed.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 300  # lines

# The house from the ground up: a file imports from its own folder and from the floors below it.
FLOORS: tuple[str, ...] = (
    "engine.errors engine.setting_values engine.bounds engine.priority engine.durations engine.markdown",
    "engine.progress engine.device engine.settings",
    "engine.files",
    "engine.metrics engine.recipes",
    "engine.runs engine.imaging",
    "engine.data",
    "engine.models engine.labels",
    "engine.embedding",
    "engine.training engine.recognition engine.explain engine.compare engine.sweep",
    "engine.noise engine.exports",
    "engine.store",
    "engine.jobs engine.people",
    "engine.services",
    "engine.lab",
    "engine.cli",
    "engine.__main__",
    "app.palette app.font app.terms app.doors app.received app.memory_uploads app.log_lines",
    "app.serving app.connections app.glossary app.metrics app.people app.charts app.shared_lab app.lazy_app"
    " app.pulse app.turns app.scripts app.shell",
    "app.theme",
    "app.widgets app.scatter",
    "app.samples app.canvas_files",
    "app.canvas_doors",
    "app.sections app.canvas_tabs",
    "app.reading",
    "app.canvas_page",
    "app.canvas app.dashboard",
    "app.server",
    "app.__main__ pages",
)
HEAVY = {
    "torch",
    "torchvision",
    "umap",
    "numba",
    "sklearn",
    "scipy",
    "gradio",
    "captum",
    "cleanlab",
    "optuna",
    "onnx",
    "mlflow",
    "openTSNE",
    "pytorch_metric_learning",
    "py7zr",
    "pyarrow",
}
WEB = (
    "app.server",
    "app.dashboard",
    "engine.lab",
    "engine.runs.run",
    "engine.recipes.recipe",
    "engine.data.catalog",
)  # loaded by the web process at its start


def files() -> dict[str, Path]:
    """Module name → file, of everything that is shipped."""
    out = {}
    for folder in ("engine", "app", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            out[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return out


FILES = files()


def floor_of(module: str) -> tuple[int, str] | None:
    """The floor on which a module stands, and its folder (or the file itself) there."""
    for number, names in enumerate(FLOORS):
        for name in names.split():
            if module == name or module.startswith(name + "."):
                return number, name
    return None


@cache
def tree_of(path: Path) -> ast.Module:
    """A file, parsed once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path, everywhere: bool) -> frozenset[str]:
    """Modules imported by a file: when it is imported itself, or anywhere in it, also for a type
    checker alone, and those that its tables name as strings.
    """
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not everywhere:
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not everywhere:
            return
        if everywhere and isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update({node.value.partition(":")[0]} & FILES.keys())
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(
                f"{node.module}.{alias.name}"
                for alias in node.names
                if f"{node.module}.{alias.name}" in FILES
            )
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree_of(path))
    return frozenset(found)


def reached(start: str) -> dict[str, str]:
    """Everything that importing `start` imports, mapped to the module that asks for it."""
    seen: dict[str, str] = {}
    waiting = [start]
    while waiting:
        module = waiting.pop()
        parents = [".".join(module.split(".")[:depth]) for depth in range(1, module.count(".") + 1)]
        for name in [*parents, *imports(FILES[module], everywhere=False)]:
            if name not in seen and name != start:
                seen[name] = module
                if name in FILES:
                    waiting.append(name)
    return seen


def not_below(module: str) -> list[str]:
    """What a module imports although it does not stand below it."""
    ours = {name for name in imports(FILES[module], everywhere=True) if name in FILES}
    ours -= {"engine", "app", "pages"}  # the packages themselves hold nothing
    if module in ("engine", "app", "pages"):
        return sorted(ours)
    mine = floor_of(module)
    assert mine is not None, f"{module} stands on no floor"
    floors = {name: floor_of(name) for name in ours}
    return sorted(
        name for name, other in floors.items() if other != mine and (not other or other >= mine[:1])
    )


# One test looks at all files: a test of its own for each costs more than what it looks at, and the
# files at fault are named by the assertion.
def test_imports_point_down():
    upward = {module: not_below(module) for module in FILES}
    assert not {module: names for module, names in upward.items() if names}


def test_files_import_each_other_in_no_circle():
    graph = {
        module: {name for name in imports(path, everywhere=True) if name in FILES} - {module}
        for module, path in FILES.items()
        if path.name != "__init__.py"
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("imported by: " + " → ".join(error.args[1]))


def test_the_drawing_of_the_house_shows_every_folder_on_its_floor():
    drawing = (ROOT / "docs" / "images" / "house.svg").read_text(encoding="utf-8")
    drawn = {
        name.removeprefix("engine/").strip("/"): int(y)  # from the top
        for y, names in re.findall(r'y="(\d+)" class="h">([^<]*/)<', drawing)
        for name in names.split()
    }
    folders = {path.parent.name for path in (ROOT / "engine").glob("*/__init__.py")}
    assert set(drawn) == folders | {"app", "pages"}
    above = 0
    for names in reversed(FLOORS):
        here = [drawn[name] for name in names.replace("engine.", "").split() if name in folders]
        assert all(y >= above for y in here), f"{names} is drawn too high"
        above = max([above, *here])


def test_a_file_stays_small():
    lines = {
        module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()
    }
    assert not {module: count for module, count in lines.items() if count > LONGEST}


SHOWN = [name for name in FILES if name.startswith(("pages", "app.charts", "app.widgets"))]


def test_pages_and_charts_never_import_torch():
    assert not {
        (module, name)
        for module in SHOWN
        for name in imports(FILES[module], everywhere=True)
        if name.split(".")[0] in ("torch", "torchvision")
    }


def test_charts_only_turn_data_into_figures():
    assert not {
        (module, name)
        for module in SHOWN
        if module.startswith("app.charts")
        for name in imports(FILES[module], everywhere=True)
        if name.split(".")[0] in ("streamlit", "gradio", "pages")
        or name.startswith(("engine.lab", "app.widgets"))
    }


def test_nothing_heavy_loads_with_the_web_process():
    heavy = [
        f"{module} reaches {name} (imported by {asker})"
        for module in (*WEB, *SHOWN)
        for name, asker in reached(module).items()
        if name.split(".")[0] in HEAVY
    ]
    assert not heavy


def test_the_engine_needs_no_browser_library():
    asked = {
        name.split(".")[0]
        for module, path in FILES.items()
        if module.startswith("engine")
        for name in imports(path, everywhere=True)
    }
    assert not asked & {"streamlit", "gradio", "plotly", "app", "pages"}


# said by the module, by Recognizer, by engine.cli
SAID_ELSEWHERE = {"main", "forward", "run", "show", "arguments"}


def silent(tree: ast.Module) -> list[str]:
    """The longer public functions of a file without a docstring, and the module if it has none."""
    if not tree.body:
        return []
    found = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        public = isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        found += [
            member.name
            for member in (node.body if public else [node])
            if isinstance(member, ast.FunctionDef)
            and not member.name.startswith("_")
            and member.end_lineno - member.lineno > 12
            and not ast.get_docstring(member)
            and member.name not in SAID_ELSEWHERE
        ]
    return found


def test_modules_and_longer_public_functions_say_what_they_do():
    found = {module: silent(tree_of(path)) for module, path in FILES.items()}
    assert not {module: names for module, names in found.items() if names}


# The system's own calls, where a test lets the disk, the clock or a file's rights be at fault.
SYSTEM = {"os", "shutil", "time", "Path"}


def patched(path: Path) -> set[str]:
    """What the tests of a file put something else in the place of."""
    return {
        ast.unparse(node.args[0])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func) in ("monkeypatch.setattr", "monkeypatch.setitem", "mock.patch")
    }


def test_no_test_patches_the_project():
    found = {path: patched(path) - SYSTEM for path in (ROOT / "tests").rglob("*.py")}
    assert not {path: what for path, what in found.items() if what}


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith(("#", "-r")))


def test_what_the_code_imports_is_pinned_and_nothing_else_is():
    owners = {
        module: {name.lower().replace("_", "-") for name in names}
        for module, names in packages_distributions().items()
    }
    pinned = {name.lower().replace("_", "-") for name in pins("requirements.txt")}
    asked = {
        name.split(".")[0] for path in FILES.values() for name in imports(path, everywhere=True)
    }
    third = {
        name
        for name in asked
        if name not in sys.stdlib_module_names and name not in ("engine", "app", "pages")
    }
    optional = {name.lower() for name in pins("requirements-trackio.txt")}
    missing = {name for name in third - optional if not owners.get(name, set()) & pinned}
    assert not missing, f"imported but not pinned: {missing}"
    idle = {
        pin for pin in pinned if not any(pin in owners.get(name, set()) for name in third)
    } - NEEDED_INDIRECTLY
    assert not idle, f"pinned but not imported: {idle}"


# scikit-learn brings the bundled digits, whose file is read without importing it; onnxscript is
# torch.onnx's exporter.
NEEDED_INDIRECTLY = {"scikit-learn", "onnxscript", "onnx"}


def test_pins_are_what_is_installed_and_exact():
    from importlib.metadata import version

    for name, pinned in {**pins("requirements.txt"), **pins("requirements-dev.txt")}.items():
        assert re.fullmatch(r"[\w.]+", pinned)
        assert version(name).split("+")[0] == pinned, (
            f"{name}: pinned {pinned}, installed {version(name)}"
        )


def test_dockerfile_makefile_and_space_agree():
    docker, make = (
        (ROOT / "Dockerfile").read_text(encoding="utf-8"),
        (ROOT / "Makefile").read_text(encoding="utf-8"),
    )
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for source in re.findall(r"^COPY .*?(\S+) \S+$", docker, re.M):
        assert (ROOT / source).exists() and source not in ignored
    assert (
        'CMD ["python", "-m", "app"]' in docker
        and "-m app" in make
        and (ROOT / "app" / "__main__.py").exists()
    )
    assert "/healthz" in docker and "USER 1000" in docker and "GLYPHLAB_HOST=0.0.0.0" in docker
    space = (ROOT / "README.md").read_text(encoding="utf-8").split("---")[1]
    assert "sdk: docker" in space and "app_port: 7860" in space and "GLYPHLAB_PORT=7860" in docker
    assert {"app", "pages", "engine", "assets", "checkpoints", "bench"}.isdisjoint(ignored)


def test_readme_and_docs_list_what_there_is():
    from docs.tables import TABLES, behind, files

    assert not behind(), "README.md or docs/ is behind the tables: run `make docs`"
    text = "\n".join(path.read_text(encoding="utf-8") for path in files())
    printed = set(re.findall(r"<!-- table: (\w+) -->", text))
    assert printed == set(TABLES), "a table stands nowhere, or is not known"
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} - {"__init__"} <= set(
        re.findall(r"`pages/(\w+)\.py`", text)
    )


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"]
)
def test_links_lead_to_files_that_are_there(name):
    """Links within docs/ are checked by the site's build."""
    folder = (ROOT / name).parent
    for linked in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8")):
        assert (folder / linked).exists(), f"{name} links to {linked}, which is not there"


def test_every_field_of_a_recipe_is_explained():
    from engine.recipes import recipe

    for model in (
        recipe.Recipe,
        recipe.DataSpec,
        recipe.ModelSpec,
        recipe.Augment,
        recipe.Published,
    ):
        silent = [name for name, field in model.model_fields.items() if not field.description]
        assert not silent, f"{model.__name__}: no description of {', '.join(silent)}"
