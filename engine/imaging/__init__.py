"""Pixels: from any picture to the uint8 square that models are trained on."""
