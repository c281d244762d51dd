import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { factsOf, signatureNames } from '../../src/domain/functions/signature.ts'
import { takesRequest } from '../../src/domain/platform/worker.ts'
import { inputFromText } from '../../src/domain/runs/input.ts'

const source = join(import.meta.dirname, '../../src')

test('no file but that of the rows names the signatures one by one', () => {
  const files = globSync('**/*.ts', { cwd: source })
  const naming = files.filter((file) => /['"]qinling['"]/.test(readFileSync(join(source, file), 'utf8')))
  expect(naming).toEqual([])
})

describe.each(signatureNames)('the row of %s decides', (signature) => {
  test('what a call is given', () => {
    expect(takesRequest({ kind: 'shim', signature })).toBe(factsOf(signature).given === 'request')
    expect(takesRequest({ kind: 'http', signature })).toBe(true)
  })

  test('which JSON is JSON', () => {
    const kindOf = (text: string) => inputFromText(text, signature).kind
    expect([kindOf('{"a": 1}'), kindOf('hello'), kindOf('null')]).toEqual(['json', 'text', 'none'])
    expect(kindOf('[1]')).toBe(factsOf(signature).json === 'any' ? 'json' : 'text')
  })
})
