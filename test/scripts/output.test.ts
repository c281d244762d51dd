import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { prettyLogLine } from '../../scripts/setup/pretty-log.ts'
import { callsTable } from '../../src/cli/terminal/calls-table.ts'
import { serverUrl } from '../../src/host/address.ts'

describe('What the scripts print', () => {
  it('shows calls with their phases in columns', () => {
    const phases = { queue: 0, acquire: 310.26, load: 12, run: 1.5, total: 324 }
    const cold = { output: { hi: 1 }, start_kind: 'cold' as const, cold_reason: 'first', phases }
    const failed = { error: { type: 'E', message: 'no', stack: null }, start_kind: 'warm' as const }
    expect(callsTable('hello', [cold, failed])).toBe(
      [
        '  hello         queue  acquire  load  run  total  answer',
        '  cold (first)    0.0    310.3  12.0  1.5  324.0  {"hi":1}',
        '  warm              -        -     -    -      -  "no"',
      ].join('\n'),
    )
  })

  it('turns log lines into words and leaves everything else alone', () => {
    const line = '{"level":30,"time":0,"pid":1,"hostname":"h","msg":"ready","port":7070,"a":{"b":1}}'
    expect(stripVTControlCharacters(prettyLogLine(line))).toBe('00:00:00.000 info  ready port=7070 a={"b":1}')
    for (const other of ['plain', '[1]', '{"x":1}', '']) expect(prettyLogLine(other)).toBe(other)
  })

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:7070'],
    ['0.0.0.0', 'http://127.0.0.1:7070'],
    ['::', 'http://[::1]:7070'],
    ['box.example', 'http://box.example:7070'],
  ])('knows how to reach a server that listens on %s', (host, url) => {
    expect(serverUrl({ host, port: 7070 })).toBe(url)
  })
})
