"""Int8 convolutions with the same result on every processor.

The room converts exported graphs, and measures how well the result agrees with them. It may import
photos and networks.
"""
