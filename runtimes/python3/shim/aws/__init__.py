"""AWS Lambda: what the signature `lambda` is made of."""
