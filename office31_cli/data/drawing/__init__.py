"""Draws the pictures of the sample: random symbols in place of things, as three cameras see them."""
