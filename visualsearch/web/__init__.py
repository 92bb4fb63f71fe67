"""What the search page, the API and the admin share: uploads, limits, clients, errors.

May import ``search_queue`` and what is below it; knows neither ``api`` nor ``admin``.
"""
