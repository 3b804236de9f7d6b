"""The heart: what may happen to money and invoices.

No Flask, no HTML, no RQ here. A verb is a function ``(id, ..., actor)`` that owns its transactions;
what must happen later is asked for through ``runtime.enqueue`` after the commit.
"""
