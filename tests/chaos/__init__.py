"""Chaos tests: the real server under load and random faults may not lose, duplicate or orphan anything."""
