"""Rules broken on purpose: each must turn a named test, or the simulation, red."""
