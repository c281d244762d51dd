def main(event, context):
    return 'never'


raise ValueError('boom at load')
