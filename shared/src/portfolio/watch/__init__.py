"""The monitoring service: it has every project looked at on an interval, and shows what was found."""
