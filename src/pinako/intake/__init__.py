"""What brings things in: the importer of folders, and the demo library."""
