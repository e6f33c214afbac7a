"""What people and the clock do: ``editions`` for the course of an edition."""
