"""Servers, load, accounting and tables for the benchmarks."""
