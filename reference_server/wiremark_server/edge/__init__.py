"""HTTP and nothing else: bytes in, routes, one error boundary, bytes and event streams out."""
