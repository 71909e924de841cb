"""`python -IS healthy.py URL`: exit code 0 where a GET answers 200. What an image's HEALTHCHECK runs, without curl.

From the standard library's plainest parts: it runs every five seconds, in 40 ms.
"""

import sys
from http.client import HTTPConnection

host, _, path = sys.argv[1].removeprefix("http://").partition("/")
connection = HTTPConnection(host, timeout=4)
connection.request("GET", f"/{path}")
answer = connection.getresponse()
sys.stdout.write(f"{answer.status} {answer.read(500).decode(errors='replace')}")
sys.exit(answer.status != 200)
