"""``make demo`` and ``make services``: embedded PostgreSQL and Valkey, the portal's processes, a mail catcher."""
