"""From this machine into the uploads bucket: de-identified, bundled, resumed after a cut, and followed to the end."""
