"""The book machine: convert, run, finish, gate, stage, build, gate again.

``python -m book.tools --help`` lists the steps; ``make book`` runs them all.
"""
