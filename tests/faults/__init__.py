"""What fails around a drop while sources send, and what must hold then: `make test-faults`."""
