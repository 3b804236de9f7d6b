"""What can stop the demo, said in one line."""


class DemoProblem(Exception):
    """The demo can't start or go on; the message is all the person gets to see."""
