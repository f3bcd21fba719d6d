"""Traffic judged from files, without a network: recordings of runs."""
