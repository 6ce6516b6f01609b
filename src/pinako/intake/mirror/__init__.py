"""The archiver: what a page of another host shows, with everything around it, into this library; and it loses nothing."""
