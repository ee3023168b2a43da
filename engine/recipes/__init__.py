"""Recipes: what can be set in one, and those that come with the lab, one YAML file each."""
