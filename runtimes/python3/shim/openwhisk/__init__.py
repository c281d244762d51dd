"""Apache OpenWhisk: the parts of the signature `openwhisk`."""
