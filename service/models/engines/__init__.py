"""Networks compiled for a CPU by OpenVINO. Nothing in here knows a family, a card or a picture."""
