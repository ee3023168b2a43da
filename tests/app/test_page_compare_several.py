"""The Compare page on more than two runs: its sentences and its tables say one thing."""

from __future__ import annotations

import pytest
from compared import compared_run
from weblab import open_page, texts

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
