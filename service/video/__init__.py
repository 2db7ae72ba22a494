"""Films: from a file of any kind to the same subject on every frame, with real transparency and the sound kept.

`source.py` and `sound.py` read, `look.py` asks the networks, `steady.py` takes the flicker out, `film.py` puts the
stages into a line, and `writers/` write. PyAV (the extra `video`) decodes and encodes. Knows no HTTP.
"""
