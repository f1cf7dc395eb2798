"""The desk as pages on loopback, for reporters who would rather not type.

door       who is let in: one browser, by one token; nobody through another site
room       the catalogue's one thread, and what each page asks of it
app        routes, the door, templates  ←
pages/     a file a page
serving    listen, tell where, end after 15 idle minutes
"""
