"""Pass searches from web processes to search workers, through Redis or in this process.

May import ``search`` and what is below it; knows neither ``web`` nor ``api``.
"""
