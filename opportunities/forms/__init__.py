"""Forms of the board and the desk."""
