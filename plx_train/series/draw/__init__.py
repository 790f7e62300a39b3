"""Pictures of series: charts on a canvas of their own."""
