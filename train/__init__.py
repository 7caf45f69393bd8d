"""Training and evaluation: run as `python -m train.…`; not part of the wheel."""
