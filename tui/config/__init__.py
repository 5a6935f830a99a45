"""What users set for good."""
