"""Promotion: who answers for a bundle with a key, and makes it the champion."""
