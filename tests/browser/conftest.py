"""The browser that these tests share."""

from browsing import blank, browser

__all__ = ["blank", "browser"]
