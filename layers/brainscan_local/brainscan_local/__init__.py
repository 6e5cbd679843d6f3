"""The laptop stack: AWS made of moto and threads, on 127.0.0.1."""
