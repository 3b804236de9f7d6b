"""What every page shares: formats, headers, front-end files, health. Plugged in by ``wsgi.py``."""
