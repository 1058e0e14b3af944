"""What every process of Huitou needs."""
