"""Records and error codes that travel between hub and client."""
