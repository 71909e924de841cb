"""The dashboard: pages over what the services of the portfolio tell, over HTTP only."""
