"""Decides which message is sent, sends it once, and says why."""
