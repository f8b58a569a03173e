"""What the end-to-end suite is built from: the server, clients, browsers and the other programs it needs."""
