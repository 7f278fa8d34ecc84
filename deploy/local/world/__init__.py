"""A closed set of DNS data and the server that answers from it on loopback."""
