"""The data sets, one file each: what a record looks like, and the examples that are made of it."""
