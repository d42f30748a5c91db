"""Chaos: the real server under load, killed and hindered at random; afterwards nothing may be lost, double or left over."""
