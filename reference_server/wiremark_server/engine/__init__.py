"""The simulated GPU backend: decides an answer, paces it like an engine, counts every token.

`simulated.SimulatedEngine` is the way in. `script` decides what is answered (pure), `plan` turns it into
one delta per token, `pace` and `batch` decide when each token leaves, `tokens` counts.
"""
