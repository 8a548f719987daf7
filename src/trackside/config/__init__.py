"""Configuration: flag > environment > file > default; each setting declared once."""
