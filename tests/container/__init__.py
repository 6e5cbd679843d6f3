"""The real image under an emulator of Lambda, and the built template on one of AWS: `make test-container`."""
