"""A TIFF that has more strips, tiles or pages than a picture can have is refused before Pillow opens it."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from costly import jpeg_of_scans, tiff_of_strips
from PIL import Image

from engine.errors import ImageError
from engine.imaging.formats import image_in
from engine.imaging.images import open_picture
from engine.imaging.tiff import MOST_PAGES, MOST_STRIPS

CLASSIC, BIG = False, True
FORMS = [("<", CLASSIC), (">", CLASSIC), ("<", BIG)]
GREY = {258: 8, 259: 1, 262: 1, 277: 1}  # 8 bits, not compressed, black is 0, one sample


@dataclass
class Page:
    """Tags of a directory; below: its SubIFDs."""

    tags: Mapping[int, int | Sequence[int]]
    below: list[Page] = field(default_factory=list)


def tiff(
    pages: Sequence[Page], order: str = "<", big: bool = CLASSIC, pixels: bytes = b""
) -> bytes:
    """A TIFF of uncompressed `pixels`, which begin at byte 16, and pages with these tags."""
    size, place = (20, "Q") if big else (12, "I")
    out = bytearray(16) + pixels

    def value(numbers: Sequence[int]) -> bytes:
        """The numbers, or where they were put."""
        data = struct.pack(f"{order}{len(numbers)}{place}", *numbers)
        if len(numbers) > 1:
            at = len(out)
            out.extend(data)
            return struct.pack(order + place, at)
        return data

    def put(page: Page) -> tuple[int, int]:
        """Where a directory is, and where it says what follows."""
        tags = dict(page.tags) | ({330: [put(one)[0] for one in page.below]} if page.below else {})
        lists = {tag: [at] if isinstance(at, int) else at for tag, at in sorted(tags.items())}
        kind = 16 if big else 4
        entries = b"".join(
            struct.pack(f"{order}HH{place}", tag, kind, len(each)) + value(each)
            for tag, each in lists.items()
        )
        at = len(out)
        out.extend(struct.pack(order + ("Q" if big else "H"), len(lists)) + entries)
        out.extend(bytes(8 if big else 4))
        return at, at + (8 if big else 2) + size * len(lists)

    head = {("<", CLASSIC): b"II*\0", (">", CLASSIC): b"MM\0*", ("<", BIG): b"II+\0"}[order, big]
    where = 8 if big else 4
    out[:4], out[4:8] = head, struct.pack(order + "HH", 8, 0)
    for page in pages:
        at, following = put(page)
        struct.pack_into(order + place, out, where, at)
        where = following
    return bytes(out)


def in_strips(rows: int, strips: int, width: int = 4, **more: int) -> Page:
    """One sample, whose strips all begin at byte 16."""
    tags = {256: width, 257: rows, 273: [16] * strips, 278: 1, 279: [width] * strips}
    return Page(GREY | tags | {int(tag[1:]): at for tag, at in more.items()})


def in_tiles(side: int, tiles: int, tile: int = 16) -> Page:
    where = {324: [16] * tiles, 325: [tile * tile] * tiles}
    return Page(GREY | {256: side, 257: side, 322: tile, 323: tile} | where)


def test_a_million_strips_are_refused_and_pillow_never_sees_them():
    page = in_strips(1_000_000, 1_000_000, _262=77)  # of no kind that Pillow knows
    with pytest.raises(ImageError) as found:
        open_picture(tiff([page]), "a.tif")
    assert str(found.value) == (
        "a.tif is a TIFF of too many strips: 1,000,000. Allowed: at most 200,000. Save it again as PNG."
    )


def test_compressed_ones_are_counted_too():
    few = tiff_of_strips(50, jpeg_of_scans(3, side=8), compression=7)
    assert open_picture(few).size == (8, 400)
    many = tiff_of_strips(MOST_STRIPS + 1, jpeg_of_scans(3, side=8), compression=7)
    with pytest.raises(ImageError, match="^a.tif is a TIFF of too many strips: 200,001. Allowed"):
        open_picture(many, "a.tif")


@pytest.mark.parametrize(("order", "big"), FORMS)
@pytest.mark.parametrize(
    ("page", "words"),
    [
        (in_strips(60, 61), "strips: 61. Allowed: at most 60"),
        (in_strips(60, 181, _284=2, _277=3), "strips: 181. Allowed: at most 180"),
        (in_tiles(40, 10), "tiles: 10. Allowed: at most 9"),
    ],
)
def test_no_more_strips_than_rows_and_no_more_tiles_than_fit(tmp_path, page, words, order, big):
    good, pixels = in_strips(60, 60), bytes(999)
    for pages in ([page], [good, page], [Page(good.tags, [page])], [Page(good.tags, [good, page])]):
        raw = tiff(pages, order, big, pixels)
        with pytest.raises(ImageError, match=f"^a.tif is a TIFF of too many {words}. Save it"):
            open_picture(raw, "a.tif")
        (tmp_path / "a.tif").write_bytes(raw)
        with pytest.raises(ImageError, match=words):
            image_in(tmp_path / "a.tif")


@pytest.mark.parametrize(("order", "big"), FORMS)
def test_pages_that_lead_back_to_each_other_are_refused(order, big):
    raw = bytearray(tiff([in_strips(2, 2), in_strips(2, 2)], order, big, bytes(8)))
    place = struct.Struct(order + ("Q" if big else "I"))
    (first,) = place.unpack_from(raw, 8 if big else 4)
    place.pack_into(raw, len(raw) - place.size, first)
    with pytest.raises(
        ImageError, match="damaged TIFF: its pages lead back to each other. Save it"
    ):
        open_picture(bytes(raw))


def test_no_more_pages_than_are_read_and_none_that_share_their_tables():
    page = Page(GREY | {256: 2, 257: 1, 273: 16, 279: 2})
    with image_in(tiff([page] * MOST_PAGES, pixels=bytes(2))) as found:
        assert found.size == (2, 1)
    for many in ([page] * (MOST_PAGES + 1), [Page(page.tags, [page] * MOST_PAGES)]):
        with pytest.raises(ImageError, match="too many pages. Allowed: at most 10,000. Save its p"):
            open_picture(tiff(many, pixels=bytes(2)))
    shared = bytearray(tiff([in_strips(9_000, 9_000)], pixels=bytes(4)))
    (first,) = struct.unpack_from("<I", shared, 4)
    directory = shared[first:]
    for _ in range(9):  # each with the tables of the first
        struct.pack_into("<I", shared, len(shared) - 4, len(shared))
        shared += directory
    with pytest.raises(ImageError, match="its tables are larger than the file"):
        image_in(bytes(shared))


def test_a_page_has_no_more_tags_than_there_are():
    raw = b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 1 << 40) + bytes(2_000_000)
    with pytest.raises(ImageError, match="a page of it has 1,099,511,627,776 tags"):
        open_picture(raw)


def test_what_pillow_takes_for_another_kind_of_tiff_is_refused_in_words():
    with pytest.raises(
        ImageError, match="^a.tif is a big-endian BigTIFF, which can't be read. Save"
    ):
        open_picture(b"MM\0+" + struct.pack(">HHQ", 8, 0, 16) + bytes(99), "a.tif")


@pytest.mark.parametrize(("order", "big"), FORMS)
def test_honest_ones_are_read(order, big):
    levels = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)
    rows = {273: range(16, 16 + 48 * 48, 48), 278: 1, 279: [48] * 48}
    whole = Page(GREY | {256: 48, 257: 48} | rows)
    for pages in ([whole], [whole] * 3, [Page(whole.tags, [whole, whole])]):
        raw = tiff(pages, order, big, levels.tobytes())
        assert np.array_equal(np.asarray(open_picture(raw)), levels)
    cut = levels.reshape(3, 16, 3, 16).swapaxes(1, 2)
    tiles = {322: 16, 323: 16, 324: range(16, 16 + 48 * 48, 256), 325: [256] * 9}
    tiled = Page(GREY | {256: 48, 257: 48} | tiles)
    read = np.asarray(open_picture(tiff([tiled], order, big, cut.tobytes())))
    assert np.array_equal(read, levels)


def test_planes_that_lie_apart_have_strips_of_their_own():
    planes = np.arange(3 * 20 * 8, dtype=np.uint8)
    tags = {256: 8, 257: 20, 262: 2, 277: 3, 278: 1, 284: 2, 279: [8] * 60}
    page = Page(GREY | tags | {258: [8, 8, 8], 273: range(16, 16 + 480, 8)})
    read = np.asarray(open_picture(tiff([page], pixels=planes.tobytes())))
    assert np.array_equal(read, planes.reshape(3, 20, 8).transpose(1, 2, 0))


@pytest.mark.parametrize("options", [{}, {"big_tiff": True}, {"compression": "tiff_lzw"}])
def test_what_pillow_writes_is_read(options):
    levels = np.arange(300 * 200, dtype=np.uint8).reshape(300, 200)
    out = io.BytesIO()
    pages = [Image.fromarray(levels + n) for n in range(4)]
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], strip_size=200, **options)
    with image_in(out.getvalue()) as found:
        found.seek(3)
        assert np.array_equal(np.asarray(found), levels + 3)
