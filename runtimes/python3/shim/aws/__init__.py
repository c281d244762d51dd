"""AWS Lambda: the parts of the signature `lambda`."""
