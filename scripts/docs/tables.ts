import { totalmem } from 'node:os'
import { join, relative } from 'node:path'
import { environmentName } from '../../src/config.ts'
import { errorCodes } from '../../src/domain/errors.ts'
import { statusOfCode } from '../../src/http/error-response.ts'
import { settings, subjectOf } from '../../src/settings/settings.ts'

/** The documentation's tables that are generated from the source. */

const meanings: Record<keyof typeof errorCodes, string> = {
  invalid_request: 'a value is malformed, missing or out of range',
  unauthenticated: 'the token is missing, invalid or expired',
  forbidden: 'the policy forbids it; `faultstring` begins with `Operation not allowed`',
  in_use: 'something still depends on it; `?cascade=true` removes the dependents too',
  not_found: 'it does not exist, or not in this project',
  call_too_deep:
    'the chain of functions that call each other is too long (`TAIBAI_MAX_CALL_DEPTH`); perhaps it is a cycle',
  method_not_allowed: 'the path does not support this method; `Allow` lists the supported ones',
  conflict: 'the name is taken',
  runtime_unavailable: 'the runtime is not `available` (yet)',
  headers_too_large: 'the headers of the request are longer than 16 kB',
  request_timeout: 'the request was not received completely in time (`TAIBAI_BODY_TIMEOUT_MS`)',
  too_large: 'the body or package exceeds its limit',
  unsupported_media_type: 'this Content-Type is not supported here',
  build_failed:
    'the dependencies of the package could not be installed; the message has the reason. The deployed code stays in use',
  too_many_bodies:
    'all request bodies together use the memory reserved for them (`TAIBAI_MAX_BODIES_BYTES`); try again later',
  limit_reached:
    'a limit of the function, project, webhook or address was reached; `limit` says which one, `Retry-After` when to try again',
  storage_full: "the server's disk is full or cannot be written; try again when there is space",
  queue_full: 'too many accepted executions wait; try again later',
  no_worker: 'no worker became free in time, or too many calls wait',
  shutting_down: 'the server is stopping',
  auth_unavailable: 'Keystone cannot validate this token at the moment; try again later',
  engine_failed: 'the container engine failed to perform an operation',
  openstack_failed: 'Keystone or Swift failed to perform an operation for the function (trust, object)',
  not_supported: 'this engine does not support the operation',
  internal: 'an internal error of the server; its log has the reason',
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
