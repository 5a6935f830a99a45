"""Any hypervisor that libvirt speaks to, over libvirt-python."""

from backend.libvirt.backend import LibvirtBackend

__all__ = ["LibvirtBackend"]
