"""The programs that make runs: documents, schemas and snapshots computed from the code, benchmarks, and code that tests
share."""
