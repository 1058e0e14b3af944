"""How it is told: exactly-once effects over any transport."""
