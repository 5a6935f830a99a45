"""What the processes and programs of this machine reveal about a local libvirt host."""
