"""What a source sees, a file per page."""
