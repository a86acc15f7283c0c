"""Boards and Macs, through OpenSSH."""
