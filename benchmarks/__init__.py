"""Compares the tap with other ways to read the same log; see README.md in this folder."""
