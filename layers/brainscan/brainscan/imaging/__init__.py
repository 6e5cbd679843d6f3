"""From bytes to pixels to model input, and from logits to mask, measurements and overlay."""
