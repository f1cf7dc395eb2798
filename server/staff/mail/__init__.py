"""What is mailed to staff: a heartbeat each day, and alerts; and how it leaves this machine."""
