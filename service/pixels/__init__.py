"""Full-size pictures: read, separated, coloured and written. Knows no network and no HTTP."""
