"""Labelling pages where several people decide: each decision is written under the name that is shown, and one
about an image that somebody else decided in the meantime is kept beside theirs.
"""

from __future__ import annotations

import io
import zipfile

import pytest
from noisy_labels import diagnosed
from PIL import Image
from weblab import add_run, open_page

from engine.data.choices import Choices
from engine.embedding.proposals import STRATEGIES
from engine.lab import Lab


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def named(page, name: str):
    """The page after its name was changed."""
    return page.text_input(key="person-box").set_value(name).run()


def written(lab: Lab, data: str) -> list[tuple[str, str, str]]:
    """Who gave which image which label, in the order of the journal."""
    entries = lab.labels.decisions(data).entries()
    return [(one.who, one.samples[0], "".join(one.to) or one.action) for one in entries]


def toasts(page) -> str:
    """What the page says in its corner, without Markdown's escapes."""
    return "\n".join(toast.value.replace("\\", "") for toast in page.toast)


def to_label(lab: Lab):
    """The page Label of 30 digits without a label, and its images in the order in which they are asked."""
    data, packed = lab.dataset("digits"), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for at in range(30):
            out = io.BytesIO()
            Image.fromarray(255 - data.images[at, 0]).save(out, "PNG")
            archive.writestr(f"{at}.png", out.getvalue())
    lab.data.upload("scans.zip", packed.getvalue(), choices=Choices(unlabelled=True))
    lab.labels.relabel("scans", ["28.png", "29.png"], ["4", "5"], who="Old", new_class=True)
    model = add_run(lab).id
    space = lab.spaces.embed(model, "scans", "all")
    page = open_page("label", data="scans", model=model)
    keys = [f"proposed-{space.key}-{strategy}" for strategy in STRATEGIES]
    (key,) = (key for key in keys if key in page.session_state)
    return page, list(page.session_state[key])


def test_the_first_decision_after_a_new_name_is_written_under_it(lab):
    diagnosed(lab, "rare", 0.03)
    page = named(open_page("noise", data="noisy", section="review"), "Ann")
    page.button(key="accept").click().run()
    named(page, "Cat").button(key="accept").click().run()
    page.text_input(key="person-box").set_value("Dee")
    page.button(key="accept").click().run()  # one request brings both
    page.button(key="accept").click().run()
    assert [who for who, _, _ in written(lab, "noisy")] == ["Ann", "Cat", "Dee", "Dee"]
    page.button(key="undo").click().run()
    assert lab.labels.decisions("noisy").entries()[-1].who == "Dee"


def test_the_name_that_is_shown_decides_on_the_page_label(lab):
    page, _ = to_label(lab)
    named(page, "Ann").button(key="give-4").click().run()
    page.text_input(key="person-box").set_value("Cat")
    page.button(key="give-5").click().run()
    assert [who for who, _, _ in written(lab, "scans")[1:]] == ["Ann", "Cat"]


def test_what_two_people_decide_of_one_image_in_the_review_is_both_kept(lab):
    found = diagnosed(lab, "rare", 0.03)
    first, second = (found.file(int(at)) for at in found.arrays["order"][:2])
    ann = named(open_page("noise", data="noisy", section="review"), "Ann")
    bob = named(open_page("noise", data="noisy", section="review"), "Bob")
    ann.button(key="change-3").click().run()
    bob.button(key="change-5").click().run()
    assert written(lab, "noisy") == [("Ann", first, "3"), ("Bob", first, "5")]
    assert f"{first} was labelled 3 by Ann meanwhile" in toasts(bob)
    assert lab.annotators.votes("noisy")[first] == {"Ann": "3", "Bob": "5"}
    assert [one.sample for one in lab.annotators.agreement("noisy").disputed] == [first]
    bob.button(key="reject").click().run()
    assert written(lab, "noisy")[2][:2] == ("Bob", second) and not toasts(bob)

    again = named(open_page("noise", data="noisy", section="review"), "Bob")  # in another browser
    third = found.file(int(found.arrays["order"][2]))
    bob.button(key="change-1").click().run()
    again.button(key="change-2").click().run()
    assert written(lab, "noisy")[3:] == [("Bob", third, "1"), ("Bob", third, "2")]
    assert "was labelled 1 under your name meanwhile" in toasts(again)
    assert lab.annotators.votes("noisy")[third] == {"Bob": "2"}


def test_what_two_people_decide_of_one_image_on_the_page_label_is_both_kept(lab):
    page, (first, second, third, *_) = to_label(lab)
    bob = named(page, "Bob")
    lab.labels.relabel("scans", [first], "4", who="Ann")
    bob.button(key="give-5").click().run()
    assert written(lab, "scans")[1:] == [("Ann", first, "4"), ("Bob", first, "5")]
    assert f"{first} was labelled 4 by Ann meanwhile" in toasts(bob)
    lab.labels.mark("scans", "exclude", [second], who="Ann")
    bob.button(key="give-4").click().run()
    assert f"{second} was left out by Ann meanwhile" in toasts(bob)
    bob.selectbox(key=f"any-{third}").set_value("5").run()
    lab.labels.relabel("scans", [third], "4", who="Ann")
    bob.button(key="give").click().run()
    assert f"{third} was labelled 4 by Ann meanwhile" in toasts(bob)
    assert written(lab, "scans")[3:] == [
        ("Ann", second, "exclude"), ("Bob", second, "4"), ("Ann", third, "4"), ("Bob", third, "5"),
    ]  # fmt: skip


def test_an_image_is_decided_again_after_its_decision_was_taken_back(lab):
    page, (first, *_) = to_label(lab)
    page.button(key="give-5").click().run()
    page.button(key="undo").click()
    page.run()
    page.button(key="give-4").click().run()
    assert [what[1:] for what in written(lab, "scans") if what[2] in "45"][1:] == [
        (first, "5"), (first, "4"),
    ]  # fmt: skip
