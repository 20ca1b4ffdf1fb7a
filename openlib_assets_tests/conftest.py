"""What all tests share: an environment of their own, and settings that fit a sandbox."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from openlib_assets.sandbox import Sandbox
from openlib_assets.settings import Settings

_FOREIGN_PREFIXES = ("OPENLIB_", "AWS_")
_FOREIGN_NAMES = {"DAGSTER_HOME", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"}

# Examples are drawn alike in every run, and nothing is left in the working folder; sockets keep their own time.
hypothesis.settings.register_profile("tests", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("tests")


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hide the user's settings from the tests and the tests' pace files from the user; give the cache folder."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN_PREFIXES) or name.upper() in _FOREIGN_NAMES:
            monkeypatch.delenv(name)
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return cache


def settings_for(sandbox: Sandbox, **changes: Any) -> Settings:
    """Give settings that point at a sandbox, without a ceiling on requests and with short waits."""
    settings = Settings(api_url=sandbox.url, requests_per_second=1e6, retry_wait=0.05)
    return dataclasses.replace(settings, **changes)
