"""The database: one seam, two engines (SQLite and PostgreSQL), tables, migrations and the change log."""
