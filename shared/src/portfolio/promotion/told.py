"""What a promotion came to, in a sentence."""

from __future__ import annotations

from portfolio.bundle.keys import short
from portfolio.promotion.flow import Promotion


def tell(done: Promotion) -> str:
    """Who is the champion, who was before, and since when the API serves it."""
    version, before, served = done.version, done.before, done.served
    line = f"{version.name}: version {version.version} is the champion, signed with key {short(version.signed_by)}"
    if before and before.version != version.version:
        line += f"; version {before.version} is the previous one"
    if served.seconds is not None:
        line += f"; the API serves it after {served.seconds:.1f} s"
    return f"{line}; {served.note}" if served.note else line
