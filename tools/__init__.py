"""What make runs: documents, schemas and snapshots computed from the code, benchmarks, and what tests share."""
