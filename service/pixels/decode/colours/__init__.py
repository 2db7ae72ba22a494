"""From the colours that a file tells, by an ICC profile or by numbers, to sRGB."""
