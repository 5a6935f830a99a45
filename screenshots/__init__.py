"""Pictures of the real screens on the simulator: as SVG, with a clock that stands still, as PNG, and a visit in motion.

``python -m screenshots`` makes them anew.
"""
