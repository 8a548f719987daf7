"""What Trackside costs, beside what a site has today and beside the least the same server could cost."""
