import { describe, expect, test } from 'vitest'
import { type LinkFacts, linkAddressOf } from '../../src/engine/sandbox/docker/link-address.ts'

const facts = (overrides: Partial<LinkFacts>): LinkFacts => ({
  wish: 'auto',
  address: undefined,
  seesOurFiles: false,
  isNeighbour: false,
  sharesNetwork: false,
  isDesktop: false,
  ownAddress: null,
  ...overrides,
})

describe('workers and the server find each other', () => {
  test('nowhere, when nothing is known: it is said what to set', () => {
    expect(() => linkAddressOf(facts({}))).toThrow(/does not see this server's files.*TAIBAI_LINK_ADDRESS/)
    expect(() => linkAddressOf(facts({ wish: 'tcp', seesOurFiles: true }))).toThrow(/TAIBAI_LINK_ADDRESS/)
  })

  const at = (host: string, port = 0, listenOn = host) => ({ kind: 'address', host, port, listenOn })
  const rows: [string, Partial<LinkFacts>, unknown][] = [
    ['by a folder that both see', { seesOurFiles: true, sharesNetwork: true }, { kind: 'folder' }],
    ['by a folder, when the operator says so', { wish: 'folder' }, { kind: 'folder' }],
    ['at the address of their network, when that is ours', { sharesNetwork: true }, { kind: 'gateway' }],
    [
      'there too when the operator wants TCP',
      { wish: 'tcp', seesOurFiles: true, sharesNetwork: true },
      { kind: 'gateway' },
    ],
    ['over a network of two, when the server is a container beside', { isNeighbour: true }, { kind: 'pair' }],
    ['by our way to an engine of another machine', { ownAddress: '192.0.2.7' }, at('192.0.2.7')],
    [
      'where a desktop puts its host',
      { isDesktop: true, seesOurFiles: true },
      at('host.docker.internal', 0, '127.0.0.1'),
    ],
    [
      'where the operator says',
      { address: 'faas.example.org', isNeighbour: true },
      at('faas.example.org', 0, '0.0.0.0'),
    ],
    ['at the port that he says', { address: '192.0.2.7:7071' }, at('192.0.2.7', 7071, '0.0.0.0')],
  ]
  test.each(rows)('%s', (_where, given, place) => expect(linkAddressOf(facts(given))).toEqual(place))
})
