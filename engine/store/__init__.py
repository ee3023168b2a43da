"""What lies in a home: its settings, recipes, models and runs, found by name."""
