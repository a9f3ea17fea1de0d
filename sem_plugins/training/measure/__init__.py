"""Calibrating exported weights and measuring them on the valid parts, one file per group of readings.

Nothing here needs torch: what is measured is the file that is shipped, through the code that ships it.
"""
