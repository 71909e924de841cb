"""The ASGI application, for any server: `uvicorn telecomai.api:app`."""

from portfolio.serving import create_app
from telecomai.model import SPEC

app = create_app(SPEC)
