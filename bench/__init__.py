"""Benchmarks. Each appends what it measured to records.csv, with commit, device, versions and seed."""
