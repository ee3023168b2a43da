"""Coming in: keys, codes, passes."""

from __future__ import annotations

import json
import time

import pytest

from engine.errors import RightsError, SettingsError
from engine.people.class_file import MOST_STUDENTS
from engine.people.classroom import BACK_SECONDS, CODE_LENGTH, LESSON_SECONDS, Classroom
from engine.people.passes import secret_in
from engine.people.person import OWNER, TEACHER
from engine.settings import read_settings


def room(home, mode="class", key=""):
    found = {"GLYPHLAB_HOME": str(home), "GLYPHLAB_MODE": mode, "GLYPHLAB_KEY": key}
    return Classroom(home, read_settings(found))


def test_the_key_makes_a_teacher_and_nothing_else_does(tmp_path):
    found = room(tmp_path)
    assert found.enter(found.key) == TEACHER and len(found.key) == 32
    assert room(tmp_path).key == found.key, "it is kept"
    for wrong in ("", found.key[:-1], found.key + "0", "é"):
        with pytest.raises(RightsError):
            found.enter(wrong)
    assert room(tmp_path, key="a-key-of-their-own").enter("a-key-of-their-own") == TEACHER
    with pytest.raises(RightsError):
        room(tmp_path / "own", "own").enter("")
    with pytest.raises(SettingsError) as caught:
        room(tmp_path, key="short")
    assert "short" not in str(caught.value).replace("short_", "")


def test_students_join_by_code_under_a_name_of_their_own(tmp_path):
    found = room(tmp_path)
    code = found.now().code
    ada = found.join(f" {code[:4].upper()}-{code[4:]} ", "  Ada \n Lovelace ")
    assert (ada.name, ada.role, len(code)) == ("Ada Lovelace", "student", CODE_LENGTH)
    assert room(tmp_path).person_of(found.pass_of(ada)) == ada
    unseen = ("Ada Lovelace\ufe0f", "Ada Love\u034flace", "Ada\u3164Lovelace", "\u2800Ada")
    alike = (
        "Ada.Lovelace",
        "adalovelace!",
        "Tea-cher.",
        "Аda Lovelace",
        "Ａda Lovelace",
        "The Teacher",
        "owner",
        ":material/school: T",
    )
    for name in (
        "ada lovelace",
        "",
        "x" * 31,
        "a\u202eb",
        "\0",
        "Z" + "\u0301" * 5,
        *unseen,
        *alike,
    ):
        with pytest.raises(RightsError):
            found.join(code, name)
    for name in ("Анна", "José", "王小明", "さくら ア", "O'Neil 2", "ଓଡ଼ିଆ"):
        assert found.join(code, name).name
    for wrong in ("", code[:-1], code[::-1] + "x"):
        with pytest.raises(RightsError, match="not the code"):
            found.join(wrong, "Ben")
    assert found.new_code() != code
    with pytest.raises(RightsError):
        found.join(code, "Ben")


def test_a_name_that_looks_like_anothers_is_taken_and_honest_names_of_any_script_are_not(tmp_path):
    found = room(tmp_path)
    code = found.now().code
    names = (
        "alice",
        "Müller",
        "张伟",
        "Алиса",
        "Ayşe Yıldız",
        "Ayse",
        "Мак",
        "Bill",
        "Arne",
        "Γιώργος",
    )
    for name in names:
        assert found.join(code, name).name == name
    alike = ("alıce", "ALICE", "аlісе", "Mak", "МAK", "Bi1l", "Ame", "Ayѕe")
    for name in alike:
        with pytest.raises(RightsError, match="is called|letters of one alphabet"):
            found.join(code, name)
    for name in (
        "Alicia",
        "Muller",
        "Мария",
        "Ayşe",
        "Бил",
        "Anne",
        "Jürgen Øster",
        "Łukasz",
        "Ελένη",
    ):
        assert found.join(code, name).name == name
    with pytest.raises(RightsError, match="somebody else's"):
        found.join(code, "the teɑcher")


def test_who_is_sent_away_is_a_stranger_and_the_name_is_free(tmp_path):
    found = room(tmp_path)
    ada = found.join(found.now().code, "Ada")
    shown = found.pass_of(ada)
    found.send_away(ada.id)
    assert found.person_of(shown) is None
    assert found.join(found.now().code, "Ada").id != ada.id


def test_who_leaves_frees_the_name_and_is_let_back_in_by_a_code_of_their_own(tmp_path, monkeypatch):
    found = room(tmp_path)
    code = found.now().code
    ada = found.join(code, "Ada")
    found.leave(found.pass_of(ada))
    other = found.join(code, "Ada")
    assert found.now().students[0].id == other.id != ada.id
    first, back = found.back_code(ada.id), found.back_code(ada.id)
    assert back not in (found.folder / "class.json").read_text(encoding="utf-8")
    for used, name, why in (
        (first, "Ada", "not the code"),
        (back, "Ben", "another name"),
        (back, "Ada", "somebody else is in the class as 'Ada'.*lets you in"),
    ):
        with pytest.raises(RightsError, match=why):
            found.join(used, name)
    found.send_away(other.id)
    found.lock(True)
    assert found.may_come_back(ada.id) and found.may_come_back(ada.id, back)
    assert not found.may_come_back(ada.id, first)
    assert found.join(f"{back[:4]}-{back[4:]}", "ada") == ada
    assert not found.may_come_back(ada.id)
    assert [one.id for one in found.now().gone] == [other.id]
    with pytest.raises(RightsError, match="not the code"):
        found.join(back, "Ada")
    start = time.time()
    monkeypatch.setattr(
        time, "time", lambda: start + 1
    )  # a pass says the second in which it was made
    late, old = found.back_code(other.id), found.pass_of(ada)
    monkeypatch.setattr(time, "time", lambda: start + BACK_SECONDS + 2)
    with pytest.raises(RightsError, match="used or is too old"):
        found.join(late, "Ada")
    assert found.person_of(old) == ada, "another browser of hers, until she is let back in"
    assert found.join(found.back_code(ada.id), "Ada") == ada and found.person_of(old) is None
    with pytest.raises(RightsError, match="not known any more"):
        found.back_code("f" * 16)


def test_leaving_and_joining_again_makes_no_room(tmp_path):
    found = room(tmp_path)
    code, file = found.now().code, found.folder / "class.json"
    others = [{"id": f"{n:016x}", "name": f"S{n}"} for n in range(MOST_STUDENTS - 2)]
    document = json.loads(file.read_text(encoding="utf-8")) | {"students": others}
    file.write_text(json.dumps(document), encoding="utf-8")
    for _ in range(2):
        found.leave(found.pass_of(found.join(code, "Ada")))
    with pytest.raises(RightsError, match="the class is full"):
        found.join(code, "Ada")
    found.send_away(others[0]["id"])
    assert found.join(code, "Ada"), "whom the teacher removed makes room"
    found.dismiss(keep=())
    assert found.now().gone == found.now().students == [] and found.now().code != code


def test_who_leaves_has_a_pass_no_more_and_a_damaged_list_keeps_no_teacher_out(tmp_path):
    found = room(tmp_path)
    ada = found.join(found.now().code, "Ada")
    shown, kept, teacher = found.pass_of(ada), room(tmp_path), found.pass_of(TEACHER)
    found.leave(shown)
    found.leave(shown)
    found.leave("no pass")
    assert kept.person_of(shown) is None and len(found.now().void) == 1
    assert shown not in (found.folder / "class.json").read_text(encoding="utf-8")
    (found.folder / "class.json").write_text("{", encoding="utf-8")
    assert room(tmp_path).person_of(teacher) == TEACHER


def test_passes_are_ours_or_nothing(tmp_path, monkeypatch):
    found = room(tmp_path)
    ada = found.join(found.now().code, "Ada")
    good = found.pass_of(ada)
    assert found.person_of(good) == ada
    forged = [
        None,
        "",
        good.replace("student", "teacher"),
        good.replace(ada.id, "f" * 16),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good + "x",
        good.replace("1.", "2.", 1),
        room(tmp_path / "elsewhere").pass_of(ada),
    ]
    assert [found.person_of(text) for text in forged] == [None] * len(forged)
    teacher = found.pass_of(TEACHER)
    assert found.person_of(teacher) == TEACHER
    assert room(tmp_path, key="another-key-now").person_of(teacher) is None, "the key was changed"
    assert room(tmp_path, key="another-key-now").person_of(good) == ada
    assert room(tmp_path, "public").person_of(teacher) is None, "of another mode"
    later = time.time() + 8 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    assert found.person_of(good) is None


def test_a_public_lab_knows_visitors_and_its_owner(tmp_path):
    found = room(tmp_path, "public")
    guest = found.visitor()
    assert found.person_of(found.pass_of(guest)) == guest
    assert found.enter(found.key) == OWNER == found.person_of(found.pass_of(OWNER))


def test_secrets_are_for_the_labs_account_alone(tmp_path):
    found = room(tmp_path)
    assert found.key and found.passes and found.now()
    assert found.folder.stat().st_mode & 0o777 == 0o700
    for name in ("key", "secret"):
        assert (found.folder / name).stat().st_mode & 0o777 == 0o600
    (found.folder / "key").chmod(0o644)
    with pytest.raises(SettingsError, match="read by others"):
        secret_in(found.folder, "key")


def test_two_students_of_one_name_are_one_too_many_also_at_once(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    code = room(tmp_path).now().code

    def join(_: int) -> bool:
        try:
            room(tmp_path).join(code, "Ada")
        except RightsError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(join, range(8))) == 1


def test_who_is_no_longer_in_the_class_is_told_why(tmp_path):
    found = room(tmp_path)
    shown = {}
    for name in ("Ada", "Ben", "Cem", "Dee"):
        person = found.join(found.now().code, name)
        shown[name] = (person.id, found.pass_of(person))
    found.send_away(shown["Ada"][0])
    found.leave(shown["Ben"][1])
    found.join(found.back_code(shown["Cem"][0]), "Cem")

    def told(name: str) -> str:
        return str(found.outside(shown[name][1]))

    assert told("Ada").startswith("you are not in the class any more. Your teacher took your name")
    assert told("Ben").startswith("you have left the class")
    assert told("Cem").startswith("you came back to the class in another browser")
    assert "Reload the page" in str(found.outside("1.student.x"))
    found.dismiss(keep=set())
    assert told("Dee").startswith("the lesson has ended. Your name is not on")


def test_a_whole_class_comes_back_by_codes_that_are_good_once_each_for_a_lesson(
    tmp_path, monkeypatch
):
    found = room(tmp_path)
    people = {name: found.join(found.now().code, name) for name in ("Cem", "Ada", "Ben")}
    found.dismiss({one.id for one in people.values()})
    single = found.back_code(people["Ada"].id)
    codes = {student.name: code for student, code in found.back_codes()}
    assert list(codes) == ["Ada", "Ben", "Cem"] and len(set(codes.values())) == 3
    kept = (found.folder / "class.json").read_text(encoding="utf-8")
    assert not any(code in kept for code in codes.values())
    for used, name, why in (
        (single, "Ada", "not the code"),
        (codes["Ada"], "Ben", "another name"),
    ):
        with pytest.raises(RightsError, match=why):
            found.join(used, name)
    found.lock(True)
    assert found.join(codes["Ada"], "Ada") == people["Ada"]
    with pytest.raises(RightsError, match="not the code"):
        found.join(codes["Ada"], "Ada")
    start = time.time()
    monkeypatch.setattr(time, "time", lambda: start + LESSON_SECONDS - 5)
    assert found.join(codes["Ben"], "ben") == people["Ben"]
    monkeypatch.setattr(time, "time", lambda: start + LESSON_SECONDS + 5)
    with pytest.raises(RightsError, match="used or is too old"):
        found.join(codes["Cem"], "Cem")
