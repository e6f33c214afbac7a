"""What the clock does for the board and the desk."""

from opportunities.jobs import board, desk, proof, prospects, surveys, urgent

__all__ = ["board", "desk", "proof", "prospects", "surveys", "urgent"]
