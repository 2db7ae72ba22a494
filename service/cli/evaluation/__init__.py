"""How right a model is on somebody's own pictures: the service's answers against masks, as figures and as a page."""
