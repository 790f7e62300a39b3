"""Networks of time series, for forecasting, reconstruction and classification; rows are float32 (B, L, C)."""
