"""MLflow, every API and monitoring on this machine, as plain processes: what `make demo` starts."""
