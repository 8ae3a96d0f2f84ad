"""Engines that run the pinned networks on fixed buffers, and the manifests that pin them."""
