"""The ASGI application, for any server: `uvicorn bankchurn.api:app`."""

from bankchurn.model import SPEC
from portfolio.serving import create_app

app = create_app(SPEC)
