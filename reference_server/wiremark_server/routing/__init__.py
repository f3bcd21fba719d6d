"""Who answers: which workers and upstreams there are, how they do, and which one is asked."""
