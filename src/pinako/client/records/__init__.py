"""What the client's calls return: one frozen record per shape of the wire, tolerant of every age of it."""
