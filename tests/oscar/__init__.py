"""A django-oscar shop with search by photo, and the tests of what its customers and staff see."""
