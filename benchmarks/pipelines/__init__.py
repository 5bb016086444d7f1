"""Whole pipelines, from the API into JSON lines or PostgreSQL, as each would run its own."""
