"""Workers in a Ray cluster. Only `driver.py`, `session.py`, `replica.py` and `node.py` have to do with ray itself, in
processes of their own.

The service's side is a bridge: one child process that is a driver of Ray, with a lane for each batch that may be on
its way. A driver ends with the cluster that it is connected to, sooner or later; the service must not.
"""
