"""Receives code over the connection: each CODE frame is a folder, a link, or a piece of a file."""

import os


def lay_out(meta, body):
    path = meta['path']
    if meta.get('folder'):
        os.makedirs(path, exist_ok=True)
    elif 'link' in meta:
        os.symlink(meta['link'], path)
    else:
        begin = os.O_APPEND if meta.get('more') else os.O_TRUNC
        file = os.open(path, os.O_WRONLY | os.O_CREAT | begin, 0o755 if meta.get('executable') else 0o644)
        try:
            while body:
                body = body[os.write(file, body) :]
        finally:
            os.close(file)
