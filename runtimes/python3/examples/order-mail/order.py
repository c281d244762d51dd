"""Takes an order. What it returns is the input of the mail."""


def main(event, context):
    lines = event['lines']
    total = sum(line['price'] * line.get('count', 1) for line in lines)
    print('order of', event['email'], 'over', total)
    # Write it to your database here.
    return {'email': event['email'], 'name': event.get('name', 'customer'), 'total': round(total, 2), 'lines': lines}
