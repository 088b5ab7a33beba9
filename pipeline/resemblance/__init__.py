"""What resembles what: near-duplicates by MinHash, and overlaps with evaluation sets by n-grams.

ngrams.py, minhash.py, clusters.py and held_out.py know no database; fingerprints.py and leaks.py keep what they find.
"""
