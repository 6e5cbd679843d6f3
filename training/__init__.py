"""Makes the model that brainscan serves: data, network, training and export. Needs the `train` extra."""
