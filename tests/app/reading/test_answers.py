"""Drawings that came together are predicted together: the answers are those that each gets alone, and
what can't be read costs only itself.
"""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hands import drawn, png

from app.canvas_tabs.drawn import Drawn, predict_together
from app.reading.answers import Answers
from app.reading.frames import ANSWER, FAILURE, HEAD, LONGEST, MISTAKE, QUESTION, Frame, framed
from engine.lab import Lab
from engine.people.person import OWNER, TEACHER, Person
from engine.settings import read_settings

DIGITS = "canvas-digits"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    home = tmp_path_factory.mktemp("answers")
    return Lab(home, read_settings({"GLYPHLAB_MODE": "class", "GLYPHLAB_HOME": str(home)}))


def look(ink: np.ndarray, model: str = DIGITS) -> list:
    return ["data:image/png;base64," + base64.b64encode(png(ink)).decode(), model, "nearest", []]


def asked(lab: Lab, *questions: tuple) -> list:
    """(kind, content) of the answers to (name, data, person) that came together."""
    frames = [
        Frame(number, QUESTION, json.dumps({"name": name, "data": data, "person": who}).encode())
        for number, (name, data, person) in enumerate(questions)
        for who in [[person.id, person.name, person.role]]
    ]
    out = {}
    for packed in Answers(lab).of(frames):
        _, number, kind = HEAD.unpack(packed[: HEAD.size])
        out[number] = kind, json.loads(packed[HEAD.size :])
    return [out[number] for number in range(len(questions))]


def test_a_batch_is_answered_as_each_drawing_alone(lab):
    ada = lab.classroom.join(lab.classroom.now().code, "Ada")
    for number in range(3):
        lab.for_person(ada).taught.add("♥", png(drawn("♥", number)))
    questions = [
        ("look", look(drawn("7")), OWNER),
        ("look", ["data:image/png;base64,AAAA", DIGITS, "", []], OWNER),
        ("look", look(drawn("♥", 9)), ada),
        ("look", look(drawn("♥", 9)), OWNER),
        ("look", look(drawn("1"), "no-such-model"), OWNER),
        ("why", look(drawn("0"))[:2], OWNER),
    ]
    together = asked(lab, *questions)
    seven, broken, hers, not_hers, unknown, why = (content for _, content in together)
    assert seven["glyph"] == "7" and why["kind"] == "why"
    assert broken["headline"] == unknown["headline"] == "This can't be read"
    assert hers["kind"] == "taught" and not_hers["kind"] != "taught"
    alone = [answer for question in questions for answer in asked(lab, question)]
    for (kind, one), (_, other) in zip(together, alone, strict=True):
        assert kind == ANSWER and one.get("note") == other.get("note")
        for mine, others in zip(one.get("rows", ()), other.get("rows", ()), strict=True):
            assert mine["share"] == pytest.approx(others["share"], abs=1e-4)


def test_pictures_of_any_size_make_a_table_of_any_length_no_longer(lab):
    """What a student taught by photographs is shown small: the answer once ended the process of all."""
    ben = lab.classroom.join(lab.classroom.now().code, "Ben")
    noise = np.random.default_rng(0).integers(0, 256, (600, 600), np.uint8)
    for number in range(3):
        lab.for_person(ben).taught.add("noise", png(np.roll(noise, number)))
    ((kind, table),) = asked(lab, ("symbols", [""], ben))
    assert kind == ANSWER and table.count("<img") == 3 and len(table) < 3 * 12_000


def test_half_a_surrogate_pair_is_a_mistake_in_words(lab):
    ((kind, said),) = asked(lab, ("look", ["\ud800", "", "", []], OWNER))
    assert kind == ANSWER and said["headline"] == "This can't be read"
    body = framed(1, QUESTION, {"data": ["\ud800"]})[HEAD.size :]
    assert json.loads(body) == {"data": ["\ud800"]}


def test_an_answer_that_is_too_long_costs_its_asker_only(lab):
    answers = Answers(lab)
    answers._alone["warm"] = lambda data: "x" * LONGEST
    frames = [
        Frame(number, QUESTION, json.dumps({"name": name, "data": data, "person": who}).encode())
        for number, (name, data) in enumerate([("warm", None), ("look", look(drawn("7")))])
        for who in [[OWNER.id, OWNER.name, OWNER.role]]
    ]
    long, other = answers.of(frames)
    assert HEAD.unpack(long[: HEAD.size])[2] == MISTAKE and len(long) < 1000
    assert json.loads(other[HEAD.size :])["glyph"] == "7"


def test_what_is_begun_with_is_told_before_it_is_computed(lab):
    """So that a question which ends the process is known."""
    order: list[tuple[str, int]] = []
    answers = Answers(lab)
    for name in ("warm", "symbols"):
        answers._alone[name] = lambda data: order.append(("computed", data))
    frames = [
        Frame(number, QUESTION, json.dumps({"name": name, "data": data, "person": who}).encode())
        for number, (name, data) in enumerate(
            [("warm", 0), ("look", look(drawn("7"))), ("symbols", 2), ("look", look(drawn("1")))]
        )
        for who in [[OWNER.id, OWNER.name, OWNER.role]]
    ]
    list(answers.of(frames, lambda number: order.append(("begun", number))))
    together = [("begun", 1), ("begun", 3)]
    alone = [("begun", 0), ("computed", 0), ("begun", 1), ("begun", 2), ("computed", 2)]
    assert order == [*together, *alone, ("begun", 3)]


class Model:
    """A predictor that fails where it is given more than `most` drawings at once."""

    def __init__(self, most: int) -> None:
        self.most, self.batches = most, []

    def prepare(self, page: object) -> object:
        return page

    def of_squares(self, prepared: list) -> list:
        self.batches.append(prepared)
        if len(prepared) > self.most:
            raise MemoryError
        return [f"what {one} shows" for one in prepared]


@pytest.mark.parametrize(("most", "batches"), [(9, [["a", "b"]]), (1, [["a", "b"], ["a"], ["b"]])])
def test_drawings_go_through_a_model_together_and_alone_where_that_fails(most, batches):
    model = Model(most)
    asked = [(name, Drawn(page, lambda _: model)) for name, page in (("m", "a"), ("same", "b"))]
    predict_together(asked)
    assert [drawn.by(name) for name, drawn in asked] == ["what a shows", "what b shows"]
    assert model.batches == batches


def test_who_was_sent_away_is_told_and_a_mistake_of_ours_is_no_answer(lab, tmp_path):
    gone = Person("c" * 16, "Gone", "student")
    (told, drawing), (kind, words), (ours, _) = asked(
        lab,
        ("look", look(drawn("7")), gone),
        ("probabilities", [str(tmp_path / "none.png"), DIGITS], OWNER),
        ("lines", [], OWNER),
    )
    assert told == ANSWER and "not in the class" in drawing["note"]
    assert kind == MISTAKE and "none.png" in words
    assert ours == FAILURE


def test_a_students_drawing_ticks_off_no_first_step_of_the_teachers(tmp_path):
    lab = Lab(tmp_path, read_settings({"GLYPHLAB_MODE": "class", "GLYPHLAB_HOME": str(tmp_path)}))
    ben = lab.classroom.join(lab.classroom.now().code, "Ben")
    ((kind, _),) = asked(lab, ("look", look(drawn("7")), ben))
    assert kind == ANSWER
    assert lab.tour.state("draw") == "open"
    asked(lab, ("look", look(drawn("7")), TEACHER))
    assert lab.tour.state("draw") == "done"
