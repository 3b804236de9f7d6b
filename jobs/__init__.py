"""LATER: what runs in a worker. Jobs carry ids, look again, are safe to run twice."""
