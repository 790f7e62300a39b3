"""What `scripts/fuzz.py` is made of: cases, mutations, the process that reads them, and what is watched."""
