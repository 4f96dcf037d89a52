"""Tests of the book machine."""
