"""What an ONNX file of somebody's own becomes: a card, and one file of weights. Runs no network."""
