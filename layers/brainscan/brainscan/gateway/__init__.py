"""A DICOM node beside the PACS: what it receives is on its disk, then in the uploads bucket, and answers go back."""
