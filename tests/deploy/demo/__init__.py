"""Tests of the demo's data, plan and figures."""
