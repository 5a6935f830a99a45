"""Connections to a libvirt daemon: opened, shared by calls, watched for events."""
