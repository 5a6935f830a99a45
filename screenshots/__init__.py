"""Pictures of the real screens, on the simulator with a clock that stands still.

``python -m screenshots`` makes them anew.
"""
