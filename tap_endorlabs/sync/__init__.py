"""One run of a stream: what is new in a log, as Singer messages, and the state that the next run begins with."""
