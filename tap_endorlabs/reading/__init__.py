"""A time range, read by several requests at once and given in the order of time; nothing here knows HTTP or Singer."""
