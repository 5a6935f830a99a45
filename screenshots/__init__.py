"""Pictures of the real screens, on the simulator: as SVG with a clock that stands still, the same as PNG, and a visit as an
animated PNG.

``python -m screenshots`` makes them anew.
"""
