"""Tests of the brokers without Docker."""
