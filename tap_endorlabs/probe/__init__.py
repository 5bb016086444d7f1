"""First contact: what a tenant's API does where its documentation leaves it open, found out with some 25 requests."""
