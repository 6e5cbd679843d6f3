"""What a SageMaker job tells a run: folders, hosts, devices."""
