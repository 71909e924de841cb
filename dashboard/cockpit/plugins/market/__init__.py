"""The used-car market: adverts, the filter, and what is counted of them."""
