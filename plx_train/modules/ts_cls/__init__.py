"""Classification of time series: one class for each series."""
