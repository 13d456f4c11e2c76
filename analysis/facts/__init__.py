"""What was published: the data folder read and checked, seen as of a day, asked by a report.

A quantity knows its unit, the facts it comes from and the arithmetic in between. Nothing here estimates anything.
"""
