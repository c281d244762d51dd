# Called as Fission calls functions: says what it sees, or throws.
from flask import request


def main():
    if request.path == '/throw':
        raise ValueError('as asked')
    seen = {'method': request.method, 'path': request.path, 'body': request.get_json(silent=True)}
    return {**seen, 'name': request.headers['X-Fission-Function-Name']}, 201, {'x-a': '1'}
