"""What goes back to the server and to sources (docs/bag.md, docs/reply.md).

receipts     what the desk says of each envelope
replies      what is sealed to sources, and kept until a stick carries it
asking       what a reply should rather not ask
carry        a signed bag on a stick, read back
"""
