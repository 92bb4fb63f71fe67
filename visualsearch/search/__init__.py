"""One search: encode the photo, rank the index, keep what customers may see, build the result.

May import ``serving`` and what is below it; knows neither HTTP nor Redis.
"""
