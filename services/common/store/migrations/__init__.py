"""Alembic migrations, shipped inside the package; `database.migrate` runs them."""
