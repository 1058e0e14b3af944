"""Keeps the points ledger and the tiers."""
