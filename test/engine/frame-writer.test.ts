import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createSecureContext, connect as secured, TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { FrameWriter } from '../../src/engine/worker/frame-writer.ts'
import { makeLinkCertificate } from '../../src/engine/worker/link-certificate.ts'
import { FrameType } from '../../src/engine/worker/protocol.ts'
import { bytesOfBuffers } from '../support/collect-garbage.ts'
import { socketPair } from '../support/engine-parts-sockets.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const kib = 1024

async function sendSmallFrames(writer: FrameWriter, most: number): Promise<void> {
  for (let call = 1; call <= most; call++) {
    writer.add(FrameType.cancel, call, '')
    await turn()
  }
}

describe('The buffer for frames', () => {
  test('is not kept for each small frame that a worker does not read', async () => {
    const { server, worker } = await socketPair()
    onTestFinished(() => {
      server.destroy()
      worker.destroy()
    })
    const writer = new FrameWriter(server)
    worker.pause()
    writer.add(FrameType.call, 1, '', Buffer.alloc(4 * 1024 * kib))
    await turn()
    await sendSmallFrames(writer, 10)
    const before = bytesOfBuffers()
    await sendSmallFrames(writer, 100)
    expect(server.writableLength, 'it waits').toBeGreaterThan(0)
    expect((bytesOfBuffers() - before) / kib).toBeLessThan(1024)
  })

  test('is used again on an encrypted connection, too', async () => {
    const { server, worker } = await socketPair()
    const encrypted = await encryptedEnd(server, worker)
    const writer = new FrameWriter(encrypted)
    await sendSmallFrames(writer, 5)
    const made = vi.spyOn(Buffer, 'allocUnsafeSlow')
    onTestFinished(() => void made.mockRestore())
    await sendSmallFrames(writer, 50)
    expect(made.mock.calls.filter(([bytes]) => bytes === 64 * kib).length).toBeLessThan(2)
  })
})

async function encryptedEnd(server: Socket, worker: Socket): Promise<TLSSocket> {
  const { certificate: cert, privateKey: key } = makeLinkCertificate(Date.now())
  const encrypted = new TLSSocket(server, { isServer: true, secureContext: createSecureContext({ cert, key }) })
  const other = secured({ socket: worker, rejectUnauthorized: false })
    .on('error', () => {})
    .resume()
  onTestFinished(() => {
    encrypted.destroy()
    other.destroy()
  })
  await Promise.all([once(encrypted, 'secure'), once(other, 'secureConnect')])
  return encrypted
}
