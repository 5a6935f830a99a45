"""A hypervisor without a daemon, for the first minute, demonstrations, tests and scale: ``sim:///NAME``."""

from backend.simulator.backend import SimulatorBackend

__all__ = ["SimulatorBackend"]
