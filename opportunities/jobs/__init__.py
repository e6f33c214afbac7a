"""What the clock does for the board and the desk."""

from opportunities.jobs import board, campaigns, desk, groups, proof, prospects, surveys, urgent

__all__ = ["board", "campaigns", "desk", "groups", "proof", "prospects", "surveys", "urgent"]
