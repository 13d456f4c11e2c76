"""What a report finds: a module a chapter, in it a function a section, from a report to names that its text may use.

No sentence stands here: analysis/text/<language>/<chapter>.md says them.
"""
