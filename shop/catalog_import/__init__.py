"""Import a catalog CSV: `read` validates the whole file, `store` writes it to the database."""
