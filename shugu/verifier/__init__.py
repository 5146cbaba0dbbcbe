"""`shugu verify`: documents, proofs, facts and whole folders against a venue's pinned keys, with or without a network.

The light core plus files, a clock and (only with --online) urllib; no Django, no database. What is checked and
concluded is in shugu.formats.
"""
