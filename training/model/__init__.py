"""The network, the same network for inference alone, and its int8 conversion."""
