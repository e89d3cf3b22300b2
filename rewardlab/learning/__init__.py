"""Advantages to parameters, on all devices."""
