"""What the desks are to this drop: pairing, and the keys that they sign for."""
