"""How calls are taken in: three ways, chosen by what the function is.

  inline.py   sync, one call at a time: on the main thread, between two reads of the socket. No thread switch is paid,
              and signals and asyncio.run() work in the function as in any program
  threads.py  sync, several calls at a time: on a pool of threads, while the main thread waits for signals
  loop.py     async def, ASGI: as tasks of one event loop, which reads the socket too
"""


def choose_serving(worker, is_async, concurrency):
    """Each has `serve()`, which does not return."""
    if is_async:
        from .loop import Loop

        return Loop(worker)
    if concurrency > 1:
        from .threads import Threads

        return Threads(worker, concurrency)
    from .inline import Inline

    return Inline(worker)
