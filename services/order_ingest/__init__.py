"""Takes orders and customers from storefronts, in one language."""
