import { describe, expect, test } from 'vitest'
import { refusalOnSwarm } from '../../src/engine/sandbox/swarm/refuse-on-swarm.ts'
import { EngineRefusals } from '../../src/services/functions/engine-refusals.ts'

const onSwarm = new EngineRefusals(refusalOnSwarm)
const code = { source: 'package' as const }
const image = (mode?: 'command' | 'http' | 'openwhisk' | 'lambda' | 'fission') => ({
  source: 'image' as const,
  image: 'i',
  ...(mode && { mode }),
})
const refused =
  (network: 'egress' | 'none', of: object, packageHash: string | null = null, bringsPackage = false) =>
  () =>
    onSwarm.check({ network, code: of as typeof code, packageHash }, bringsPackage)

describe('on a swarm', () => {
  test('functions without a network are refused when they are deployed, but images that run to their end', () => {
    for (const of of [code, image('http'), image('openwhisk')])
      expect(refused('none', of)).toThrow(/"network": "none" cannot run on a swarm/)
    for (const of of [image('command'), image()]) expect(refused('none', of)).not.toThrow()
  })

  test('of images, those of the Runtime API are refused', () => {
    expect(refused('egress', image('lambda'))).toThrow(/mode "lambda" do not run on a swarm.*mode "http"/)
    for (const of of [code, image('http'), image('openwhisk'), image('command')])
      expect(refused('egress', of)).not.toThrow()
  })

  test('an environment of Fission is refused a package, and runs the code that it has', () => {
    expect(refused('egress', image('fission'), 'hash')).toThrow(/build the code into the image/)
    expect(refused('egress', image('fission'), null, true)).toThrow(/build the code into the image/)
    expect(refused('egress', image('fission'))).not.toThrow()
    expect(refused('egress', code, 'hash')).not.toThrow()
  })

  test('functions that were there before are named, with the reason', () => {
    const functions = [
      { id: '1', name: 'open', network: 'egress' as const, code, packageHash: 'h' },
      { id: '2', name: 'closed', network: 'none' as const, code, packageHash: 'h' },
      { id: '3', name: null, network: 'egress' as const, code: image('lambda'), packageHash: null },
      { id: '4', name: 'env', network: 'egress' as const, code: image('fission'), packageHash: 'h' },
    ]
    const found = onSwarm.findings(functions)
    expect(found.map(({ state, says }) => [state, says])).toEqual([
      ['warning', 'The function closed cannot run here: its calls are refused.'],
      ['warning', 'The function 3 cannot run here: its calls are refused.'],
      ['warning', 'The function env cannot run here: its calls are refused.'],
    ])
    expect(found[0]?.remedy).toMatch(/without a network could not call the server/)
  })
})

test('an engine that runs all refuses nothing', () => {
  const all = new EngineRefusals()
  expect(() => all.check({ network: 'none', code: image('lambda'), packageHash: null }, false)).not.toThrow()
  expect(all.findings([{ id: '1', name: null, network: 'none', code, packageHash: null }])).toEqual([])
})
