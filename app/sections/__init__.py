"""What the pages show: one file or folder a page."""
