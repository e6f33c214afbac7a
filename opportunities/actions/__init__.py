"""What people and the clock do: ``board`` for opportunities and claims, ``desk`` for requests and nominations."""
