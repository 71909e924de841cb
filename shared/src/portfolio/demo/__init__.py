"""MLflow and every API on this machine, as plain processes: what `make demo` starts."""
