"""What a page's download buttons hand out: files that are made when the button is clicked."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorage
from streamlit.testing.v1 import AppTest, app_test


class _Kept(MediaFileManager):
    """Streamlit's keeper of files, of which a page's test forgets the one that it has made."""

    last: _Kept

    def __init__(self, storage: MediaFileStorage) -> None:
        super().__init__(storage)
        _Kept.last = self


def made_when_clicked(page: AppTest) -> Iterator[tuple[str, bytes]]:
    """Key and file (bytes) of each download button of the page whose file is made at the click; the
    page is run once more. Raises what the making raises.
    """
    with patch.object(app_test, "MediaFileManager", _Kept):
        page.run()
    assert not page.exception, page.exception[0].message
    for button in page.get("download_button"):
        if button.proto.HasField("deferred_file_id"):
            found = _Kept.last._deferred_callables[button.proto.deferred_file_id]["callable"]()
            assert isinstance(found, str | bytes)
            yield button.key, found.encode() if isinstance(found, str) else found
