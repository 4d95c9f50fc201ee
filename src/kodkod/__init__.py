"""Packet capture, deep packet inspection and security alerts for workloads."""

__version__ = "0.1.0"
