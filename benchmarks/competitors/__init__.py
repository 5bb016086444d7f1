"""Other ways to read the log, each written as its own documentation shows."""
