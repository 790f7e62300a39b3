"""Anomalies in time series: rows that a network trained on normal ones cannot give back."""
