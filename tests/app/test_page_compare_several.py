"""The Compare page on more than two runs: its sentences and its tables say one thing."""

from __future__ import annotations

import pytest
from compared import compared_run
from streamlit.testing.v1 import AppTest
from weblab import open_page, texts, thumbnails

from engine.lab import Lab


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_sentences_tables_and_details_of_several_runs_have_one_p(lab):
    wrong = ((0, 1), range(2, 12), range(3), range(4))
    runs = [
        compared_run(lab, wrong=at, changes={"lr": (n + 1) / 100}) for n, at in enumerate(wrong)
    ]
    page = open_page("compare", runs=",".join(run.id for run in runs))
    tests = page.dataframe[1].value
    assert tests["p"][0] < 0.05 < tests["p (corrected)"][0]
    assert set(tests["verdict"]) == {"not significant"}
    p = f"{tests['p (corrected)'][0]:.3f}"
    assert f"that may be chance (McNemar's test, p = {p}, corrected for 6 pairs)" in texts(page)
    assert "is significantly better" not in texts(page)
    assert "with the one that was chosen first, *lr 0.01*;" in texts(page)
    page.segmented_control(key="view").set_value("Two in detail").run()
    [metric] = [one for one in page.metric if "McNemar" in one.label]
    assert (metric.label, metric.value) == ("McNemar's p, corrected", p)
    page = open_page("compare", runs=",".join(run.id for run in runs[:2]))
    page.segmented_control(key="view").set_value("Two in detail").run()
    [metric] = [one for one in page.metric if "McNemar" in one.label]
    assert (metric.label, metric.value) == ("McNemar's p", f"{tests['p'][0]:.3f}")


def test_a_gallery_that_is_cut_off_says_of_how_many(lab):
    runs = [compared_run(lab, wrong=range(n), changes={"lr": n / 100}) for n in (2, 60)]
    page = open_page("compare", runs=",".join(run.id for run in runs))
    page.segmented_control(key="view").set_value("Two in detail").run()
    assert "is correct · 58 images" in texts(page) and "The first 40 of 58." in texts(page)
    assert len(thumbnails(page, f"only-{runs[0].id}")) == 40


def test_changed_images_that_are_not_listed_are_said_to_be_missing():
    def page(count: int, models: int) -> None:
        from types import SimpleNamespace

        from app.sections.compare import common

        row = {"image": "a", "label": "1", "predicted": ["1", "7"], "change": "became wrong"}
        found = {"data": "digits", "n_changed": count, "models": [{}] * models}
        squares = SimpleNamespace(squares=lambda data, names: [""] * len(names))
        common._changed(
            SimpleNamespace(samples=squares), {**found, "changed": [row] * min(count, 400)}
        )

    def said(count: int, models: int = 2) -> str:
        return texts(AppTest.from_function(page, args=(count, models)).run())

    assert "**1,400 images** are assigned" in said(1400)
    assert "The first 400 of them are listed" in said(1400) and "The first 60 of 400." in said(1400)
    assert "listed" not in said(70) and "The first 60 of 70." in said(70)
    assert "The first" not in said(1) and "**1 image** is assigned different classes." in said(1)
    assert "different classes by the first and the last model." in said(3, models=3)


def test_images_of_a_data_set_that_changed_since_are_not_shown_in_place_of_those_that_were_there(
    lab,
):
    run = compared_run(lab, wrong=range(3))
    run.write_status(fingerprint="before it grew")
    page = open_page("compare", runs=run.id)
    page.segmented_control(key="view").set_value("Mistakes").run()
    assert not page.exception and not page.error
    assert "The images can't be shown: data set digits has changed since this run" in texts(page)
