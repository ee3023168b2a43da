"""What in an image a model went by."""
