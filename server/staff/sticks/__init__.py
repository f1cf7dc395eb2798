"""What crosses the air gap on a stick: drops out, receipts and replies in."""
