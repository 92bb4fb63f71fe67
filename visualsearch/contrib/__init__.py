"""Optional integrations, each an app of its own that the shop installs.

May import all other packages; none of them imports it.
"""
