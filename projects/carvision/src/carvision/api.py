"""The ASGI application, for any server: `uvicorn carvision.api:app`."""

from carvision.model import SPEC
from portfolio.serving import create_app

app = create_app(SPEC)
