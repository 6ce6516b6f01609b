"""The parts of `benchmarks/feed.py`: a library to measure, a server over it, a loader, and what is measured."""
