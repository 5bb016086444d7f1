"""Singer tap for the audit logs of Endor Labs."""
