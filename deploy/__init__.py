"""How Huitou is brought up."""
