"""Names in any encoding: UTF-8 first, then the likeliest."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib

import pytest
from pictures import files, png, small_page, write_folder, write_zip

from engine.data.folder import list_folder, list_zip
from engine.data.forms.text import read_text
from engine.data.names import decode_names
from engine.data.report import report_of

# Lists of names in the encodings that zips hold; none of those in the first eight was used to choose
# the costs.
WORDS = {
    "cp932": ["かな カナ", "数字 文字", "犬の写真", "花 鳥 風 月", "車 電車", "ん", "テスト 訓練"],
    "gbk": ["花 鸟", "学习 数据", "上 下 左 右", "手写数字", "北京", "大 小"],
    "big5": ["花 鳥", "汽車 飛機", "學習資料", "上 下 左 右", "臺灣", "大 小 多 少"],
    "euc_kr": ["꽃 나무", "자동차", "학습 데이터", "훈련 시험", "아 야 어 여"],
    "cp1251": ["цветы", "машина Самолёт", "Обучение Тест", "буква_а буква_б", "ЛЕВ", "э ю я"],
    "cp866": ["цветы", "машина Самолёт", "Обучение Тест", "буква_а буква_б", "ЛЕВ"],
    "cp1252": ["fleur_séchée", "Bäume Häuser", "año", "Über", "chaîne", "naïve", "São Paulo"],
    "cp850": ["fleur_séchée", "Bäume Häuser", "año", "Über", "naïve"],
    "euc_jp": [
        "かな カナ",
        "数字 文字",
        "犬の写真",
        "花 鳥 風 月",
        "あ い う え お",
        "訓練 テスト",
    ],
    "cp737": ["άλφα βήτα γάμμα", "εκπαίδευση δοκιμή"],
    "cp1253": ["άλφα βήτα γάμμα", "γάτα σκύλος"],
    "cp852": ["żółw łabędź", "učení zkouška"],
    "cp857": ["eğitim köpek kuş", "ağaç çiçek"],
}

# Short tables in the code pages that Excel writes: a header, and classes a row each. Each was once
# read as another one, most of them as Russian.
TABLES = {
    "cp1252": [
        ("Datei;Klasse", "Ä Ö Ü ß"),
        ("Datei;Größe;Klasse", "Grün Weiß Gelb"),
        ("fichier;étiquette", "ê â î ô û"),
        ("fichier;classe", "été hiver œuf"),
        ("archivo;categoría", "á é í ó ú"),
        ("fil;klass", "å ä ö"),
        ("fil;klass", "Æ Ø Å"),
    ],
    "cp1250": [
        ("plik;klasa", "ł"),
        ("plik;klasa;część", "pięć sześć"),
        ("plik;klasa", "święto żółw"),
        ("soubor;třída", "č ř ž š ě"),
        ("soubor;třída", "číslice písmeno"),
        ("fájl;címke", "szőlő győr"),
    ],
    "cp1254": [("dosya;sınıf", "İ I ş"), ("dosya;sinif", "kırmızı yeşil")],
    "cp1253": [("file;label", "α β γ δ"), ("file;label", "ω ψ χ"), ("file;label", "άλφα βήτα")],
    "cp1251": [("файл;класс", "А Б В"), ("file;label", "А Б В Г Д"), ("файл;клас", "ї і є ґ")],
    "cp1255": [("file;label", "שלום"), ("file;label", "כלב חתול"), ("קובץ;תווית", "א ב ג ד")],
    "cp866": [("file;label", "А Б В Г")],
    "gbk": [("文件;标签", "一 二 三"), ("file;label", "猫 狗")],
    "cp932": [("ファイル;ラベル", "あ い う"), ("file;label", "数字 文字")],
    "euc_kr": [("파일;라벨", "가 나 다"), ("file;label", "꽃 나무")],
}


def zip_of_bytes(path, names):
    """A zip whose names are these bytes, without the flag for UTF-8."""
    stand_ins = {f"{number:0{len(name)}d}"[: len(name)]: name for number, name in enumerate(names)}
    write_zip(path, {name: png(small_page("2", i)) for i, name in enumerate(stand_ins)})
    data = path.read_bytes()
    for stand_in, name in stand_ins.items():
        data = data.replace(stand_in.encode(), name)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", WORDS)
def test_the_encoding_of_names_is_found(encoding):
    for words in WORDS[encoding]:
        raw = [f"{word}/{n}.png".encode(encoding) for word in words.split() for n in range(2)]
        assert decode_names(raw).names == [name.decode(encoding) for name in raw], words


@pytest.mark.parametrize("encoding", TABLES)
def test_the_encoding_of_short_tables_is_found(encoding):
    for head, words in TABLES[encoding]:
        classes, other = words.split(), ";0,5" * (head.count(";") - 1)
        rows = [f"scan_{n:04}.png{other};{classes[n % len(classes)]}" for n in range(20)]
        text = "\r\n".join([head, *rows])
        assert read_text("t.csv", text.encode(encoding))[0] == text, words


def test_an_encoding_in_which_names_do_not_decode_is_not_taken():
    """However well it explains the others; one of many may be broken."""
    kana = [f"{a}い".encode("cp932") for a in "あうえおかきくけこさしす"]
    broken = b"\xfc\xfd"
    assert "\ufffd" not in "".join(decode_names([*kana[:8], broken]).names)
    assert decode_names([*kana, broken]).names[0] == "あい"


def test_what_is_valid_utf8_is_utf8_and_composed():
    decoded = decode_names(["e\u0301/0.png".encode(), "中/0.png".encode()])
    assert decoded == (["é/0.png", "中/0.png"], "utf-8", False, ())


def test_names_in_a_zip_without_the_flag(tmp_path):
    utf8 = zip_of_bytes(
        tmp_path / "a.zip", [f"{c}/00{n}.png".encode() for c in "中é" for n in "12"]
    )
    listing = list_zip(utf8, 100, "page")
    assert listing.classes == ("é", "中") and not listing.survey.guessed
    sjis = [f"{c}/00{n}.png".encode("cp932") for c in "ソ表あ" for n in "12"]  # 0x5C within
    listing = list_zip(zip_of_bytes(tmp_path / "b.zip", sjis), 100, "page")
    assert listing.classes == ("あ", "ソ", "表")
    warning = report_of(listing).warnings[0].text
    assert "cp932 was guessed, which gives あ, ソ, 表" in warning
    assert listing.reader.read(0).startswith(b"\x89PNG")


def test_accents_written_apart_are_the_same_class(tmp_path):
    apart = write_zip(tmp_path / "mac.zip", files("e\u0301", "b"))
    assert list_zip(apart, 100, "page").classes == ("b", "é")


def test_the_unicode_name_beside_an_old_one_counts(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("X/0.png")
        field = struct.pack("<BI", 1, zlib.crc32(b"X/0.png")) + "é/0.png".encode()
        entry.extra = struct.pack("<HH", 0x7075, len(field)) + field
        archive.writestr(entry, png(small_page("2")))
    assert list_zip(tmp_path / "a.zip", 100, "page").classes == ("é",)


def test_paths_that_begin_with_a_dot_are_no_hidden_files(tmp_path):
    content = {f"./{name}": data for name, data in files("0", "1").items()}
    listing = list_zip(write_zip(tmp_path / "a.zip", content), 100, "page")
    assert listing.classes == ("0", "1") and len(listing) == 6


@pytest.mark.skipif(os.name == "nt", reason="Windows has no names of bytes")
def test_folders_named_by_an_old_system(tmp_path):
    write_folder(tmp_path / "set", files("tea"))
    old = os.fsencode(tmp_path / "set") + b"/caf\xe9"
    os.mkdir(old)
    with open(old + b"/\xe0.png", "wb") as file:
        file.write(png(small_page("4")))
    listing = list_folder(tmp_path / "set", lambda paths: "", "page")
    assert listing.classes == ("café", "tea") and listing.files[0] == "café/à.png"
    assert listing.reader.read(0).startswith(b"\x89PNG") and listing.survey.guessed
