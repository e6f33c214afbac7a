"""Bringing facts in from CSV files: read, map, check, stage, load, all or nothing (P25).

``reading`` finds encoding, delimiter and rows; ``values`` turns cells into typed values or refuses them with a reason;
``mapping`` says which column feeds which field; ``kinds`` says what can be imported and how it meets what is there;
``loading`` carries a file into Postgres in one transaction; ``runs`` keeps its progress where a page can see it.

An app offers a kind of its own by registering it in its ``importers.py``.
"""
