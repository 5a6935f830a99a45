"""Jobs that outlive whoever requested them."""
