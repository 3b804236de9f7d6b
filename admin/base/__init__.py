"""The generated part of the panel: every grid, Eye page, form and CSV comes from here."""
