"""The walk of one request through both ends' proxies and the network between them."""
