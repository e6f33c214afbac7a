"""The pages of people: home, joining, profile, and what staff see of advocates."""
