"""Pages of the board and the desk."""
