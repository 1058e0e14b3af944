"""Profiles customers, measures the shop, keeps segments live."""
