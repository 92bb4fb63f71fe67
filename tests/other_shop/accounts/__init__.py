"""Customers with UUIDs as keys, who log in by e-mail."""
