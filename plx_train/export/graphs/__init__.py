"""What a graph would do, read without running it and held against the operations that models compute with."""
