"""The customer's side: an invoice's link, paying it, and what is kept of it."""

from portal.register import register

__all__ = ["register"]
