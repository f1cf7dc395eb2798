"""A page for the newsroom's own website: how to reach the drop, before Tor Browser is there."""
