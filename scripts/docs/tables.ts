import { totalmem } from 'node:os'
import { join, relative } from 'node:path'
import { environmentName } from '../../src/config.ts'
import { errorCodes } from '../../src/domain/errors.ts'
import { statusOfCode } from '../../src/http/error-response.ts'
import { settings, subjectOf } from '../../src/settings/settings.ts'

/** The documentation's tables that are generated from the source. */

const meanings: Record<keyof typeof errorCodes, string> = {
  invalid_request: 'a value is malformed, missing or out of range',
  unauthenticated: 'no token, or one that is not valid (any more)',
  forbidden: 'the policy says no; `faultstring` begins with `Operation not allowed`',
  in_use: 'something still depends on it; `?cascade=true` removes that too',
  not_found: 'it does not exist, or not for this project',
  call_too_deep: 'too many functions call each other in a row (`TAIBAI_MAX_CALL_DEPTH`): perhaps a ring',
  method_not_allowed: 'wrong verb for this path; `Allow` names the right ones',
  conflict: 'the name is taken',
  runtime_unavailable: 'the runtime is not `available` (yet)',
  headers_too_large: 'the headers of the request are longer than 16 kB',
  request_timeout: 'the request did not come whole in time (`TAIBAI_BODY_TIMEOUT_MS`)',
  too_large: 'the body or package is over its limit',
  unsupported_media_type: 'this Content-Type is not taken here',
  build_failed: 'what the package needs could not be installed; the tool says why. What runs goes on',
  too_many_bodies: 'all request bodies together take the memory for them (`TAIBAI_MAX_BODIES_BYTES`); try again later',
  limit_reached:
    'a limit of the function, project, webhook or address; `limit` says which, `Retry-After` when to try again',
  storage_full: 'the disk of the server is full, or takes nothing; try again when there is space',
  queue_full: 'too many accepted executions wait; try again later',
  no_worker: 'no worker came free in time, or too many calls wait',
  shutting_down: 'the server is stopping',
  auth_unavailable: 'Keystone cannot be asked about this token; try again later',
  engine_failed: 'the engine did not do what it was asked',
  openstack_failed: 'Keystone or Swift did not do what the function needs (trust, object)',
  not_supported: 'this engine cannot do that',
  internal: 'the server is at fault; its log has the reason',
}

export function errorsTable(): string {
  const rows = Object.entries(meanings).map(([code, meaning]) => {
    const known = code as keyof typeof errorCodes
    return `| ${statusOfCode[known]} | \`${code}\` | ${errorCodes[known]} | ${meaning} |`
  })
  return ['| status | code | whose fault | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

/** A table for each subject in `settings/settings.ts`. */
export function settingsTables(root: string): string {
  const lines: string[] = []
  let before = ''
  for (const [name, schema] of Object.entries(settings.shape)) {
    const subject = subjectOf(name)
    if (subject !== before) {
      before = subject
      lines.push('', `## ${subject}`, '', '| variable | default | what it does |', '| --- | --- | --- |')
    }
    lines.push(`| \`${environmentName(name)}\` | ${shownDefault(name, root)} | ${schema.description} |`)
  }
  return lines.slice(1).join('\n')
}

/** A default for readers: paths are relative, and values that depend on the machine are described. */
function shownDefault(name: string, root: string): string {
  const value = (settings.parse({}) as Record<string, unknown>)[name]
  if (name === 'memoryBudgetMb' && value === Math.floor((totalmem() / 1048576) * 0.75)) return '¾ of the memory'
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '–'
  if (typeof value === 'string' && value.startsWith('/')) return `\`${relative(join(root), value)}\``
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return `\`${Object.entries(value).map(([key, one]) => `${key}=${one}`)}\``
  }
  return `\`${value}\``
}
