"""Data sets: from files to one memory-mapped uint8 array, its labels and its splits."""
