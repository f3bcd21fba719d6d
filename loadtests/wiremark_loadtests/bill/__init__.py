"""The bill: receipts of the clients, the ledger as the endpoint tells it, and the audit of both."""
