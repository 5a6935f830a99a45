"""A simulated hypervisor without a daemon, for first steps, demonstrations, tests and scale: ``sim:///NAME``."""

from backend.simulator.backend import SimulatorBackend

__all__ = ["SimulatorBackend"]
