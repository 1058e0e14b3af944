"""The main job on real orders: a year of a grocer's baskets through all four services."""
