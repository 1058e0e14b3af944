"""A deterministic simulation of the event bus: the same decisions, a virtual world, a checker that trusts none.

Besides crashes, losses and poison: sources restored to older points, new epochs that operators start and accept, and
readers that move between two buses. A loss that was accepted is no failure: what had been applied stays, and must not
be applied again under the same id; what the source says after it must arrive.
"""
