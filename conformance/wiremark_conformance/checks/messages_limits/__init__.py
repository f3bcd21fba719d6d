"""Request ids, rates, balances and sizes of the Messages format."""
