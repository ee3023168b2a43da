"""Streamlit's configuration, as one literal table: the look in light and dark, and a server that is
private and quiet.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from app.charts.base import COLOURS
from app.doors.addresses import addresses_of
from app.doors.guard import in_one_line
from engine.settings import Settings

LIGHT = {
    "primaryColor": "#2f6fd0",
    "backgroundColor": "#fcfcfd",
    "secondaryBackgroundColor": "#f0f3f7",
    "textColor": "#121a26",  # six tenths of it, as Streamlit writes the names of rows, are 4.6:1
    "borderColor": "#dde2e9",
    "linkColor": "#2559a8",
}
LIGHT_SIDEBAR = {"backgroundColor": "#f4f6f9", "secondaryBackgroundColor": "#e6ebf1"}
DARK = {
    "primaryColor": "#3d75cf",
    "backgroundColor": "#14181f",
    "secondaryBackgroundColor": "#1e242e",
    "textColor": "#e3e8ef",
    "borderColor": "#323b48",
    "linkColor": "#8db8f5",
}
DARK_SIDEBAR = {"backgroundColor": "#181d25", "secondaryBackgroundColor": "#262e3a"}
SHARED = {
    "baseFontSize": 15,
    "baseRadius": "8px",
    "showWidgetBorder": True,
    "showSidebarBorder": True,
    "linkUnderline": False,
    "headingFontSizes": ["1.9rem", "1.45rem", "1.2rem", "1.05rem", "1rem", "0.95rem"],
    "headingFontWeights": [650, 600, 600, 600, 600, 600],
    "metricValueFontSize": "1.6rem",
    "chartCategoricalColors": list(COLOURS),
}
THEME = {
    "theme": SHARED,
    "theme.light": LIGHT,
    "theme.light.sidebar": LIGHT_SIDEBAR,
    "theme.dark": DARK,
    "theme.dark.sidebar": DARK_SIDEBAR,
}


def options(settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    """Streamlit options, name → value, for these settings."""
    table: dict[str, Any] = {
        "server.address": settings.host,
        "server.port": settings.port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        # The same names as at the lab's own door (app.doors), should Streamlit ever be reached past it.
        "server.allowedHosts": sorted(addresses_of(settings, environ).hosts),
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.maxWidgetStateSize": 16,
        "client.showErrorDetails": "none",
        # None of the account's own: they are not for the lab, and where a service may not look into that
        # folder (ProtectHome of systemd), the attempt failed every request.
        "secrets.files": [],
        # A traceback in colours takes half a second, and a stranger's widgets can ask for ten a second.
        "logger.enableRich": False,
        "server.maxUploadSize": max(1, settings.upload_mb),
        # Inside a Hugging Face Space the page is a frame of another site: without this its cookie,
        # and so every upload, is refused.
        "server.xsrfCookieSameSite": "none" if environ.get("SPACE_ID") else "lax",
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "viewer",
        "client.showSidebarNavigation": True,
        "runner.magicEnabled": False,
        # A full collection after every script looks at all that torch, plotly and Gradio keep, and
        # holds up every other thread for a third of a second.
        "runner.postScriptGC": False,
    }
    for section, values in THEME.items():
        table.update({f"{section}.{name}": value for name, value in values.items()})
    return table


def configure(settings: Settings, environ: Mapping[str, str]) -> None:
    """Apply `options` to this process's Streamlit, and have it log a page's failure in one line."""
    from streamlit import config

    logging.getLogger("streamlit.error_util").addFilter(without_traceback)
    for name, value in options(settings, environ).items():
        config.set_option(name, value)


def without_traceback(record: logging.LogRecord) -> bool:
    """A logging filter: of an exception only its kind, its words and where it arose. A visitor whose
    widgets say nonsense makes a page fail as often as they like.
    """
    if record.exc_info and (error := record.exc_info[1]):
        record.msg, record.args = "A page failed: %s", (in_one_line(error),)
        record.exc_info = record.exc_text = None
    return True
