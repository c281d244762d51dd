def main(event, context):
    name = (event or {}).get('name', 'world')
    print('greeting', name)
    return {'greeting': f'Hello, {name}!'}
