"""JSON schemas of the streams, a file each."""
