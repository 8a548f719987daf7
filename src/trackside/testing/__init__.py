"""For those who test: captured events, and the contract every log, source and destination has to keep."""
