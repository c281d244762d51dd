import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { addressRules } from '../../src/outbound/address-rules.ts'
import { HttpEventSender } from '../../src/outbound/event-sender.ts'

const event = {
  attributes: { specversion: '1.0', id: 'e 1', source: '/书', type: 't', datacontenttype: 'application/json' },
  data: { json: '{"n":1}' },
}

describe('what may be sent to', () => {
  const own = ['192.168.7.9', 'fe80::1%eth0', '2001:db8::7']
  test.each([
    ['127.0.0.1', false],
    ['127.9.9.9', false],
    ['0.0.0.0', false],
    ['::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:7f00:1', false],
    ['64:ff9b::a9fe:a9fe', false],
    ['169.254.169.254', false],
    ['fe80::2', false],
    ['fd00:ec2::254', false],
    ['192.168.7.9', false],
    ['2001:db8::7', false],
    ['192.168.7.10', true],
    ['203.0.113.5', true],
    ['2001:db8::8', true],
  ])('%s: %s', (address, may) => {
    expect(addressRules([], { addresses: own, containers: [] })(address, 80)).toBe(may)
  })

  test.each([
    ['host', '127.0.0.1', 80, true],
    ['host:8080', '127.0.0.1', 8080, true],
    ['host:8080', '127.0.0.1', 80, false],
    ['host', '169.254.169.254', 80, false],
    ['metadata', '169.254.169.254', 80, true],
    ['metadata', '127.0.0.1', 80, false],
    ['127.0.0.0/8:9000', '127.0.0.5', 9000, true],
    ['169.254.1.1:80', '169.254.1.1', 80, true],
    ['169.254.1.1:80', '169.254.1.2', 80, false],
  ])('with %s open, %s port %i: %s', (allow, address, port, may) => {
    expect(addressRules([allow], { addresses: own, containers: [] })(address, port)).toBe(may)
  })
})

describe('an event', () => {
  const closers: (() => void)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  async function destination(status: number, headers: Record<string, string> = {}) {
    const seen: { headers: IncomingHttpHeaders; body: string }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        seen.push({ headers: request.headers, body })
        response.writeHead(status, headers).end('x'.repeat(100_000))
      })
    })
    closers.push(
      () => server.closeAllConnections(),
      () => void server.close(),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return { port, seen }
  }
  const senderTo = (allow: string[]) =>
    new HttpEventSender({ mayReach: addressRules(allow, { addresses: [], containers: [] }), timeoutMs: 20_000 })

  test('arrives in the binary mode', async () => {
    const { port, seen } = await destination(202)
    const sent = await senderTo([`host:${port}`]).send(`http://127.0.0.1:${port}/hook?a=1`, event)
    expect(sent).toEqual({ kind: 'taken' })
    expect(seen).toMatchObject([
      { body: '{"n":1}', headers: { 'ce-id': 'e%201', 'ce-source': '/%E4%B9%A6', 'content-type': 'application/json' } },
    ])
  })

  test.each([
    [500, 'refused'],
    [404, 'refused'],
    [410, 'gone'],
    [302, 'refused'],
  ])('that is answered %i is %s, and no redirect is followed', async (status, kind) => {
    const { port, seen } = await destination(status, { Location: '/elsewhere' })
    const sent = await senderTo(['host']).send(`http://127.0.0.1:${port}/`, event)
    expect(sent).toEqual({ kind, reason: `The destination answered ${status}.` })
    expect(seen).toHaveLength(1)
  })

  test.each(['127.0.0.1', 'localhost', '[::1]', '0x7f.1', '169.254.169.254'])(
    'does not reach %s, by whatever name',
    async (host) => {
      const { port, seen } = await destination(200)
      const sent = await senderTo([]).send(`http://${host}:${port}/`, event)
      expect(sent).toMatchObject({ kind: 'gone', reason: expect.stringContaining('TAIBAI_EGRESS_ALLOW') })
      expect(seen).toEqual([])
    },
  )

  test('to nobody is tried again', async () => {
    const { port } = await destination(200)
    for (const close of closers.splice(0)) close()
    const sent = await senderTo(['host']).send(`http://127.0.0.1:${port}/`, event)
    expect(sent).toMatchObject({ kind: 'refused', reason: expect.stringContaining('not reached') })
  })
})
