"""Apache OpenWhisk: what the signature `openwhisk` is made of."""
