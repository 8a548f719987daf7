"""A small Django project that asks before somebody registers."""
