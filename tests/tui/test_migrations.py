"""Migrations in the console: what is said of them, and how they are helped."""

from __future__ import annotations

import pytest

from backend.model import MigrationLimits
from backend.simulator.backend import SimulatorBackend
from backend.uri import open_backend
from tests.tui.console import User, console

URI = "sim:///moving?domains=2&jobs=0&memory=1024"
