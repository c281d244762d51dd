import { expect, test } from 'vitest'
import { settleReplacements } from '../../src/app/interrupted-replacements.ts'
import type { WhiskEntity } from '../../src/domain/functions/openwhisk.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { Database } from '../../src/store/database.ts'
import { FunctionRows } from '../../src/store/functions.ts'
import { WhiskEntityRows } from '../../src/store/whisk-entities.ts'
import { aFn } from '../support/builders.ts'

/** Rows as a crash of an earlier release left them in the middle of a replacement. */

const times = { createdAt: 1, updatedAt: 1 }
const actionOf = (functionId: string): WhiskEntity => ({
  ...{ id: `e-${functionId}`, projectId: 'red', kind: 'action', name: 'shop/pay', functionId, writes: 1 },
  ...{ fields: { annotations: [], parameters: [] }, ...times },
})

function prepare() {
  const database = new Database(':memory:')
  const functions = new FunctionRows(database)
  const whiskEntities = new WhiskEntityRows(database)
  const left = aFn({ projectId: 'red', runtimeId: null })
  functions.insert({ ...left, name: `replaced-${left.id}` })
  const said: string[] = []
  const log = { ...silentLog, warn: (keys: object, text: string) => said.push(`${text} ${JSON.stringify(keys)}`) }
  const start = () => settleReplacements({ functions, whiskEntities, log })
  return { functions, whiskEntities, left, said, start }
}

test('An action that was set aside has its name again', () => {
  const { functions, whiskEntities, left, said, start } = prepare()
  whiskEntities.put(actionOf(left.id))
  start()
  expect(functions.find(left.id)?.name).toBe('shop--pay')
  expect(said).toEqual([expect.stringContaining('got back the name')])
  start()
  expect(said).toHaveLength(1)
})

test('An action whose successor is there goes, and leads to that', () => {
  const { functions, whiskEntities, left, said, start } = prepare()
  whiskEntities.put(actionOf(left.id))
  const successor = aFn({ projectId: 'red', name: 'shop--pay', runtimeId: null })
  functions.insert(successor)
  start()
  expect(functions.find(left.id)).toBeNull()
  expect(whiskEntities.find('red', 'action', 'shop/pay')?.functionId).toBe(successor.id)
  expect(said).toEqual([expect.stringContaining('its successor exists')])
})

test('A function whose name nobody knows stays, and the log says at each start what to do', () => {
  const { functions, left, said, start } = prepare()
  const other = aFn({ projectId: 'red', name: 'replaced-by-me', runtimeId: null })
  functions.insert(other)
  start()
  expect(functions.find(left.id)?.name).toBe(`replaced-${left.id}`)
  expect(functions.find(other.id)?.name).toBe('replaced-by-me')
  expect(said).toEqual([expect.stringContaining(`taibai update ${left.id} --name NAME`)])
})
