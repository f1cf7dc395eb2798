"""One container each: walk it, name what is kept, leave out all else. `formats.py` lists them."""
