"""Misbehaviour on demand: faults, each a single defect, and variants, each legal though awkward.

edit.py      the seams at which an edit takes hold
gate.py      puts edits around the gateway
catalogue.py every fault and every variant by name
tables/      the faults that are written one by one
derived.py   the faults that follow from the schemas
"""
