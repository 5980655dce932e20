"""Training: data, network, losses, the loop, export and evaluation."""
