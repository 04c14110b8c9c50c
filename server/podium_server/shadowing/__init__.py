"""Copies of live traffic for a candidate, off the path of the calls: run, compared, counted."""
