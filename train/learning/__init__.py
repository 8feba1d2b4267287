"""Training: data sets made ready, the loss, checkpoints, calibration and the figures."""
