def other(event, context):
    return 'other'
