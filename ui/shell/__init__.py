"""What every page shares and which knows no page: server, routes, caches, addresses, the frame of a page."""
