/** The common memory limit of request bodies: the memory of each is released, however its request ends. */
import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { Bodies } from '../../src/http/connection/bodies.ts'

const piece = (kib: number) => Buffer.alloc(kib * 1024)
const limits = { maxBytes: 1024 * 1024, isKnown: true }

function request() {
  const incoming = Object.assign(new Readable({ read() {} }), { headers: { 'transfer-encoding': 'chunked' } })
  const outgoing = Object.assign(new EventEmitter(), { closed: false, destroyed: false })
  const answer = () => {
    outgoing.closed = true
    outgoing.emit('close')
  }
  const read = (bodies: Bodies) =>
    bodies.read(incoming as unknown as IncomingMessage, outgoing as unknown as ServerResponse, limits)
  return { incoming, answer, read }
}
/** Pieces that were pushed are read by then. */
const aTurn = () => new Promise((resolve) => setImmediate(resolve))

test('a body counts until its response is complete', async () => {
  const bodies = new Bodies(200 * 1024)
  const one = request()
  const reading = one.read(bodies)
  one.incoming.push(piece(100))
  one.incoming.push(null)
  expect((await reading).length).toBe(100 * 1024)
  expect(bodies.heldBytes).toBeGreaterThan(100 * 1024)
  one.answer()
  expect(bodies.heldBytes).toBe(0)
})

test('the rest of a refused body reserves no memory, even if there is room again', async () => {
  const bodies = new Bodies(200 * 1024)
  const [first, late] = [request(), request()]
  const whole = first.read(bodies)
  first.incoming.push(piece(150))
  await aTurn()
  const refused = late.read(bodies)
  late.incoming.push(piece(100))
  await expect(refused).rejects.toMatchObject({ code: 'too_many_bodies' })
  first.incoming.push(null)
  await whole
  first.answer()
  late.answer()
  late.incoming.push(piece(100))
  await aTurn()
  expect(bodies.heldBytes).toBe(0)
})

test('data of a body that arrives after its response reserves no memory', async () => {
  const bodies = new Bodies(200 * 1024)
  const one = request()
  const reading = one.read(bodies)
  one.answer()
  one.incoming.push(piece(100))
  await expect(reading).rejects.toMatchObject({ code: 'invalid_request' })
  expect(bodies.heldBytes).toBe(0)
})
