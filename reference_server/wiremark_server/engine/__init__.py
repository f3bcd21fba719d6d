"""The simulated GPU backend: decides an answer, paces it like an engine, counts every token.

`simulated.SimulatedEngine` is the way in. `script` decides what is answered (pure; `reading`, `text` and
`jsonout` help it), `plan` turns it into one delta per token, `run` hands those out and `pace` says how fast:
at once, at fixed times (`wheel`) or as a batch on a GPU allows (`batch`, `kv`, `batchloop`). `tokens` counts.
"""
