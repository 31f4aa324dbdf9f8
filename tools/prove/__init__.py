"""`make prove`: each launcher's policies allow exactly what is intended, for every request."""
