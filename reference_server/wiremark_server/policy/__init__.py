"""Who may do what, how often and at what price: decided before any work is done."""
