def fill_series(s, policy, f): return s, 0
