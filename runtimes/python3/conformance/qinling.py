def main(*args, **kwargs):
    return {'args': args, 'kwargs': kwargs}
