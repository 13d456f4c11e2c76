"""What the published figures say together: one monthly GMV a market with error bars, and what follows from it.

Estimates, scenarios, launches, what moved since the last report, and how earlier forecasts did.
"""
