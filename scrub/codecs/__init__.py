"""What lies inside containers and has a shape of its own: headers, frames, settings."""
