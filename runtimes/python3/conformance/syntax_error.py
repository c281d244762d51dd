def main(event, context)
    return 'never'
