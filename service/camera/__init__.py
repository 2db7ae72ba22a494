"""A camera that meetings see: what a real one films, with an effect, live.

`cameras.py` reads, `virtual.py` hands over to other programs, `meeting.py` is between the two. PyAV and pyvirtualcam
(the extra `camera`) do the reading and the handing over. Knows no HTTP.
"""
