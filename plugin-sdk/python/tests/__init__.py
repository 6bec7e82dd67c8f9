"""Tests of the SDK: ``python -m unittest discover -s tests -t .``, with the ``test`` extra installed."""
