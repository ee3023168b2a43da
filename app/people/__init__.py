"""How people come in, and which of them a page or a question of the canvas is for."""
