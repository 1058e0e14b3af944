"""Tests of the one-machine stack and its tools."""
