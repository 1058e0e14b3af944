"""From the outside world to the use cases."""
