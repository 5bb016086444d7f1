"""Whether what was read is complete: the API counts it, and what is missing is read again, from either database."""
