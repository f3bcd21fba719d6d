"""The conformance suite: a register of requirements, probes, pure checks and a pytest plugin.

Nothing is imported here: this file runs in every pytest of everybody who has wiremark installed.
"""
