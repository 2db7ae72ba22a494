"""What the service can do with a picture, and what a caller may choose."""
