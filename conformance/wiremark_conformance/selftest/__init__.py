"""The proof of the suite itself: every check is shown able to fail, and never to cry wolf.

A subject, found by entry point, can misbehave on demand. Each of its faults is one trial: the probes are
made against a gateway with that one defect, everything is judged, and what fired is held against what the
fault declares. Its variants are legal behaviour, on which nothing may fire.
"""
