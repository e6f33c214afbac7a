"""How dates are written in each language, where we say it differently from Django."""
