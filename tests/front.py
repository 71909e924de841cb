"""The dashboard's first page without a browser: drawn by Streamlit's own test runner, wherever the dashboard is."""

FIRST_PAGE = """
import json
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("view.py", default_timeout=60).run()
assert not page.exception, page.exception
assert not page.error, page.error
print(json.dumps("\\n".join(str(each.value) for kind in ("html", "markdown") for each in page.get(kind))))
"""
"""For `python -c` in the dashboard's folder: prints what the page says as one JSON text."""
