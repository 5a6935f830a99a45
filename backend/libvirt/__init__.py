"""Any hypervisor that libvirt speaks to, over libvirt-python. What needs no binding imports without it."""
