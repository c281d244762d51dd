// Makes the tables of README.md from the source (--write), or says that they do not match it.
import { readFileSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join, relative } from 'node:path'
import { environmentName, settings } from '../src/config.ts'
import { errorCodes } from '../src/domain/errors.ts'
import { statusOfCode } from '../src/http/error-response.ts'

const root = join(import.meta.dirname, '..')
const file = join(root, 'README.md')

const meanings: Record<keyof typeof errorCodes, string> = {
  invalid_request: 'a value is malformed, missing or out of range',
  unauthenticated: 'no token, or one that is not valid (any more)',
  forbidden: 'the policy says no; `faultstring` begins with `Operation not allowed`',
  in_use: 'something still depends on it; `?cascade=true` removes that too',
  not_found: 'it does not exist, or not for this project',
  method_not_allowed: 'wrong verb for this path; `Allow` names the right ones',
  conflict: 'the name is taken',
  runtime_unavailable: 'the runtime is not `available` (yet)',
  too_large: 'the body or package is over its limit',
  unsupported_media_type: 'this Content-Type is not taken here',
  queue_full: 'too many accepted executions wait; try again later',
  no_worker: 'no worker came free in time, or too many calls wait',
  shutting_down: 'the server is stopping',
  auth_unavailable: 'Keystone cannot be asked about this token; try again later',
  engine_failed: 'the engine did not do what it was asked',
  openstack_failed: 'Keystone or Swift did not do what the function needs (trust, object)',
  not_supported: 'this engine cannot do that',
  internal: 'our fault; the log has the reason',
}

const tables = { errors: errorsTable(), settings: settingsTable() }
const before = readFileSync(file, 'utf8')
const after = Object.entries(tables).reduce((text, [name, table]) => filled(text, name, table), before)

if (process.argv.includes('--write')) writeFileSync(file, after)
else if (after !== before) {
  console.error('README.md does not match the source: run "npm run fix".')
  process.exit(1)
}

function filled(text: string, name: string, table: string): string {
  const pattern = new RegExp(`(<!-- ${name}: [^>]*-->\n)[^]*?(<!-- /${name} -->)`)
  if (!pattern.test(text)) throw new Error(`README.md has no place for the table ${name}`)
  return text.replace(pattern, (_whole, begin, end) => `${begin}\n${table}\n${end}`)
}

function errorsTable(): string {
  const rows = Object.entries(meanings).map(([code, meaning]) => {
    const known = code as keyof typeof errorCodes
    return `| ${statusOfCode[known]} | \`${code}\` | ${errorCodes[known]} | ${meaning} |`
  })
  return ['| status | code | whose fault | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n')
}

function settingsTable(): string {
  const rows = Object.entries(settings.shape).map(([name, schema]) => {
    const value = shownDefault(name)
    return `| \`${environmentName(name)}\` | ${value} | ${schema.description} |`
  })
  return ['| variable | default | what it does |', '| --- | --- | --- |', ...rows, ''].join('\n')
}

/** As a reader would write it; paths relative, and what depends on the machine in words. */
function shownDefault(name: string): string {
  const value = (settings.parse({}) as Record<string, unknown>)[name]
  if (name === 'memoryBudgetMb' && value === Math.floor((totalmem() / 1048576) * 0.75)) return '¾ of the memory'
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '–'
  if (typeof value === 'string' && value.startsWith('/')) return `\`${relative(root, value)}\``
  return `\`${value}\``
}
