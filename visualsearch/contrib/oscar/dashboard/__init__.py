"""Pages for the shop's staff in oscar's dashboard; they need no Django admin."""
