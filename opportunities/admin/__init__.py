"""Staff pages of the board and the desk."""

from opportunities.admin import board, desk, groups, proof, prospects, surveys, urgent

__all__ = ["board", "desk", "groups", "proof", "prospects", "surveys", "urgent"]
