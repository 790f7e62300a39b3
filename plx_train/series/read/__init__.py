"""Tables of series: found, scanned, read, checked cell by cell, and filled."""
