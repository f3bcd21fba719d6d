"""Body size, rates, balances and caps."""
