"""The data sets: what there is, whether a folder holds them as they should be, and how to get them."""
