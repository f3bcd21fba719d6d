"""Records of runs and their renderings; knows nothing of pytest, locust or sockets."""
