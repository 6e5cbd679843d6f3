"""Fits the network: draws, augmentation, losses, optimizer, the loop and its checkpoints."""
