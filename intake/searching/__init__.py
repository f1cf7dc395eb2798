"""Search: what somebody typed, how words compare, and what is shown of what was found.

query       any text at all, read as words, phrases and filters
folding     one form for all the ways that people write the same word
snippets    the part of a text that answers
indexing    what is found of a drop that was opened, and an index made anew
"""
