"""Segment's webhook in a Django project: from a request to events of the default tracker."""
