"""The studio: a web application over commands and folders; all it knows can be read again from disk."""
