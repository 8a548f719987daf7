"""A Django project with the tracking settings of the Open edX LMS, started for real by the tests."""
