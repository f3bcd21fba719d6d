"""Traffic judged from files, without a network: recordings of runs, known bugs on the wire, and HAR."""
