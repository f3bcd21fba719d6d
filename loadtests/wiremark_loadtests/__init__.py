"""Load tests on Locust that audit the bill: users, their wire client, recorders, the audit."""
