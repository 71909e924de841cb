"""`make drill-journal`: no prediction that a client saw is missing in the store, whatever dies."""
