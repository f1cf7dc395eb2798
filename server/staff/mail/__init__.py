"""What is mailed to staff: a heartbeat each day, and alerts."""
