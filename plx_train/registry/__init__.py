"""Versions of exported models in the MLflow Model Registry; importing this imports no mlflow."""
