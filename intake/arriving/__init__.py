"""What comes to the desk on a stick, until it lies in the evidence folder.

stick         a bag on a stick, read once and never believed before its signature holds
evidence      the folder that keeps every envelope byte for byte
parts         envelopes that are still on their way in
provenance    the signed lists of the bags that were taken in
pace          how fast it goes, and how long it will take
"""
