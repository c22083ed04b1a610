"""Store: what is logged to MLflow and read back from it. The only folder that imports mlflow."""
