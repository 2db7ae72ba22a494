"""The networks: their cards and weights, what they say of a picture, and what that means. Knows no HTTP."""
