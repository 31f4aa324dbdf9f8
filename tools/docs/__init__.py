"""The tables and pictures of docs/ and README.md, computed."""
