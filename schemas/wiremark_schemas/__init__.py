"""JSON Schemas, contracts and other data that judge and judged share; never code of either."""
