"""From the network to a verdict: its logits, honest probabilities, a word, what can be done; a frame or a roll."""
