"""Each endpoint of the wire as a generator that yields what to ask, is sent the answer and returns the typed result."""
