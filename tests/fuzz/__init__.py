"""Broken recordings by the hundred thousand: each is refused by its type or proved clean."""
