"""Jobs that outlive the process that requested them."""
