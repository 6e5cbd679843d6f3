"""What slices of one series say together: their order in space, the call, the volume. No file format, no AWS."""
