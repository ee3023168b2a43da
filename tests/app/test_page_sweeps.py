"""The Sweeps page, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.cli import sweep as cli_sweep
from engine.lab import Lab
from engine.sweep.claims import claim
from engine.sweep.spec import make_sweep

PAGE = str(Path(__file__).parents[2] / "pages" / "sweeps.py")


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def shown(**state) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=900)
    for key, value in state.items():
        page.session_state[key.replace("_", "-")] = value
    page.run()
    assert not page.exception
    return page


def test_without_a_sweep_the_page_offers_first_a_search_space_whose_data_set_is_here(lab):
    page = shown(new_sweep=True)
    assert page.selectbox(key="new-sweep-shipped").options == ["quick-sweep", "nature-sweep"]
    assert "recipe: quick" in page.text_area(key="new-sweep-yaml-Included-quick-sweep").value
    assert not page.button(key="new-sweep-start").disabled
    assert any("No sweep yet" in text.value for text in page.markdown)


def test_yaml_that_is_wrong_is_explained_and_can_not_be_started(lab):
    page = shown(new_sweep=True)
    page.text_area(key="new-sweep-yaml-Included-quick-sweep").set_value(
        "recipe: quick\nspace: {lr: [1]}\nmetrik: x"
    ).run()
    assert "did you mean 'metric'" in page.error[0].value
    assert page.button(key="new-sweep-start").disabled


def test_a_form_makes_a_sweep(lab):
    page = shown(new_sweep=True)
    page.segmented_control(key="new-sweep-from").set_value("Form").run()
    assert not page.exception and not page.error
    page.text_area(key="new-sweep-space").set_value("lr: [0.1, 0.01").run()
    assert "is not YAML" in page.error[0].value


def test_a_sweep_shows_its_trials_its_best_and_what_to_do_next(lab):
    lab.sweeps.create(
        make_sweep(
            {"name": "mine", "recipe": "quick", "space": {"lr": [0.1, 0.01, 0.001]}, "trials": 3}
        )
    )
    store = lab.sweeps.trials_store("mine")
    while claimed := claim(store, 3):
        number, lock = claimed
        with lock:
            store.trial(number).report(0.5 + number / 10, 1)
            store.tell(number, "finished", 0.5 + number / 10, seconds=3.0)
    page = shown()
    best = store.best()
    assert any(
        f"trial {best.number}**" in text.value and f"{best.value:.0%}"[:2] in text.value
        for text in page.markdown
    )
    assert len(page.dataframe[0].value) == 3
    page.text_input(key="promote-name-mine").set_value("kept").run()
    page.button(key="sweep-promote").click().run()
    assert not page.exception
    assert lab.recipe("kept").lr == best.values["lr"]
    assert any("`kept`" in text.value for text in page.success)
    (line,) = [one for one in page.caption if "pruning:" in one.value]
    assert "TPE proposes values" in line.help and "pruning ends trials" in line.help


def test_a_damaged_sweep_is_explained_and_can_be_deleted_and_the_others_are_shown(lab):
    for name in ("good", "bad"):
        lab.sweeps.create(make_sweep({"name": name, "recipe": "quick", "space": {"lr": [0.1]}}))
    (lab.home / "sweeps" / "bad" / "sweep.yaml").write_text("space: [")
    page = shown(sweep_choice="bad")
    assert set(page.selectbox(key="sweep-choice").options) == {"good", "bad · damaged"}
    assert "is not YAML" in page.error[0].value
    page.button(key="sweep-delete").click().run()
    assert not page.exception and page.selectbox(key="sweep-choice").options == ["good"]


def test_a_sweep_from_the_page_chooses_no_files_of_the_machine(lab, tmp_path):
    victim = tmp_path / "victim"
    page = shown(new_sweep=True)
    page.text_area(key="new-sweep-yaml-Included-quick-sweep").set_value(
        f"recipe: quick\nspace: {{lr: [1]}}\nstorage: {victim}"
    ).run()
    assert "storage can't be chosen here" in page.error[0].value
    assert page.button(key="new-sweep-start").disabled and not victim.exists()


def test_a_best_trial_that_others_tie_with_says_so(lab):
    lab.sweeps.create(
        make_sweep({"name": "tied", "recipe": "quick", "space": {"lr": [0.1, 0.01, 0.001]}})
    )
    store = lab.sweeps.trials_store("tied")
    for value in (0.9, 0.8, 0.9):
        number, lock = claim(store, 3)
        with lock:
            store.trial(number).report(value, 1)
            store.tell(number, "finished", value, seconds=3.0)
    first, _, last = (trial.number for trial in lab.sweeps.trials("tied"))
    said = [text.value for text in shown().caption]
    words = cli_sweep.show(cli_sweep.document(lab, "tied"))
    assert words.splitlines()[-1].endswith(f"0.9000; as good: {last:03d}")
    assert f"As good: trial {last}. Trial {first} was the first." in said
