"""A shop that is built in other ways than the sample shop, and the tests of what it does."""
