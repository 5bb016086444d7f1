"""Whether a destination has what the API has: both are counted, and a day's records are sealed by a digest."""
