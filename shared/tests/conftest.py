"""Keys and a store for all tests, made anew: what serves here checks signatures as it does anywhere."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from portfolio.bundle.keys import SigningKey, make_keys, require_signing_key
from portfolio.settings import Settings


def pytest_configure(config: pytest.Config) -> None:
    """Before a test module is imported: some make their settings then."""
    patch = pytest.MonkeyPatch()
    folder = tempfile.TemporaryDirectory(prefix="keys-")
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(patch.undo)
    patch.setenv("SIGNING_KEY", str(Path(folder.name) / "bundle.key"))
    patch.setenv("BUNDLE_PUBLIC_KEY", "")
    patch.setenv("ALLOW_UNSIGNED", "0")
    patch.setenv("ADMIN_KEY", "")  # `make demo` leaves one in .env
    patch.setenv("DATABASE_URL", f"sqlite:///{folder.name}/store/portfolio.db")
    settings = Settings()
    make_keys(settings.signing_key_file, settings.public_key_file)


@pytest.fixture(scope="session")
def key() -> SigningKey:
    """The private key of this machine; its public half is trusted by this process and all that it starts."""
    return require_signing_key(Settings().signing_key_file)
