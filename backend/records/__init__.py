"""Job records, and the journal and the folder that keep them."""
