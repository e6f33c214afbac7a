"""Staff pages of the board and the desk."""

from opportunities.admin import board, desk, proof, surveys

__all__ = ["board", "desk", "proof", "surveys"]
