"""Traffic judged from files, without a network: recordings of runs, and known bugs on the wire."""
