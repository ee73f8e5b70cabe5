"""Rows that follow one another in time, cut into sequences of equal length."""
