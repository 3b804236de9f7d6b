"""A payment gateway that speaks Braintree's protocol, for demos, training and tests.

No money moves here. The real server SDK and the real browser client talk to it as they would
to Braintree; only the host differs. It imports nothing from the rest of the project.
"""
