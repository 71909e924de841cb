"""MLflow, every API, monitoring and the dashboard on this machine, as plain processes: what `make demo` starts."""
