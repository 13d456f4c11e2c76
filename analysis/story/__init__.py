"""How findings are said and drawn: sentences and tables from analysis/text, kinds of chart, and how a cell shows them.

It knows no chapter: a section hands over names, a text file says them.
"""
