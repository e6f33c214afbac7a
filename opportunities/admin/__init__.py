"""Staff pages of the board and the desk."""

from opportunities.admin import board, desk, proof, prospects, surveys, urgent

__all__ = ["board", "desk", "proof", "prospects", "surveys", "urgent"]
