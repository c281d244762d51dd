print('loading')


def main(event, context):
    return 'loaded'
