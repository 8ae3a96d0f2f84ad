"""What a user would pick instead, each a script for an interpreter of its own: the product never imports them."""
