"""A fork of oscar's partner app, whose strategy gives staff half the price."""
