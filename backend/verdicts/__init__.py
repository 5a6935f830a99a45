"""Pure rules: observations in, verdict and proof out. No I/O and no clock."""
