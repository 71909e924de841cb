"""Pages of single projects, found by the project's name: a module `plugins/NAME.py` with `PAGES`."""
