"""Time series: reading, checking, filling, scaling, windows, calendars, pictures; their rooms share it; no paddle."""
