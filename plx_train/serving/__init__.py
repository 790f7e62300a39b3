"""Serves a pipeline over HTTP in PaddleX's basic-serving protocol."""
