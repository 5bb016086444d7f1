"""One page a request: how the API is asked, what it answers, and what its failures mean; nothing here knows Singer."""
