"""Messages to many: written, decided, sent in the background, stopped and resumed.

No Flask and no queue here. A verb is a function ``(id, ..., actor)`` that owns its transactions;
the letters themselves are delivered by ``jobs.messages``, which asks ``messaging.delivery`` whom
to write to next.
"""
