import type { RequestListener } from 'node:http'

/**
 * Begins a request when the responses before it on its connection have been sent. Node.js would begin all pipelined requests at
 * once: the responses of a caller who sends thousands and reads nothing would fill the memory.
 */
export const inOrder =
  (listener: RequestListener): RequestListener =>
  (incoming, outgoing) => {
    // Node.js gives a response its socket when it is the first one of the connection.
    if (outgoing.socket !== null) listener(incoming, outgoing)
    else outgoing.once('socket', () => listener(incoming, outgoing))
  }
