"""Documentation, and the script that prints the lab's own tables into it."""
