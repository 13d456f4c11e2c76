"""What a report finds: a module a chapter, in it a function a section, from a report to names that its text may use.

No sentence stands here: analysis/text/<language>/<chapter>.md says them.
"""

# What a report consists of, and in which order: a notebook each, a text and a module of the name after the number.
CHAPTERS = ("00_summary", "01_southeast_asia", "02_united_states", "03_rival", "04_europe", "05_outlook", "06_evidence")
