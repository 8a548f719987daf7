"""What a site has today: a synchronous Django view that emits through `event-tracking` into a log file."""
