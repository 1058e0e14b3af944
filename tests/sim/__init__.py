"""A deterministic simulation of the event bus: the same decisions, a virtual world, a checker that trusts none."""
