"""What this machine's own processes and programs tell of a local libvirt host."""
