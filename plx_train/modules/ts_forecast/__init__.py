"""Forecasting of time series: the next values of one or several targets."""
