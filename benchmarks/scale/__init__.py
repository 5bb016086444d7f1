"""What many events and many tenants take: worked out from what was measured, and simulated; see README.md here."""
