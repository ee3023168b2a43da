"""`python -m app` starts the lab."""

from __future__ import annotations

import argparse
import os
import sys

from engine.settings import SETTINGS


def main() -> int:
    width = max(len(setting.name) for setting in SETTINGS)
    lines = [
        f"  {setting.name:{width}}  {setting.help} (default: {setting.default or 'none'})"
        for setting in SETTINGS
    ]
    parser = argparse.ArgumentParser(
        "python -m app",
        description="Start Glyphlab and print its address.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="It is configured by environment variables:\n" + "\n".join(lines),
    )
    parser.parse_args()
    from app.server import serve

    return serve(os.environ)


if __name__ == "__main__":
    sys.exit(main())
