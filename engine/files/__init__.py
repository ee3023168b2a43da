"""Files, whatever is in them: written whole or not at all, locked, read with every value checked."""
