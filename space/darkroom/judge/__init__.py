"""From the network to a verdict: logits, calibrated probabilities, verdict and remedies, of a frame or a roll."""
