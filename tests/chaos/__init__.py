"""Faults on a running stack, judged by a checker that knows only what went in and what stands in the end."""
