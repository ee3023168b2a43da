"""A QR code for the projector."""

from __future__ import annotations

import io


def qr_svg(address: str) -> bytes:
    """An address as a QR code (ISO/IEC 18004), an SVG of dark modules on white with its quiet zone."""
    import segno

    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", scale=8, border=4, light="#fff", xmldecl=False
    )
    return out.getvalue()
