"""Tests of tap-endorlabs."""
