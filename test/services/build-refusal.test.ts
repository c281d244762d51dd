import { describe, expect, test } from 'vitest'
import { buildRefusal, withLastLines } from '../../src/services/functions/build-refusal.ts'

/** What the caller of a failed build reads. */

const messageOf = (log: string) => buildRefusal('it ended with code 1.', log, 'the-id').message

test('A refusal repeats the last lines of the tool, and says where all of them are', () => {
  const log = Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n')
  const { code, message } = buildRefusal('it ended with code 1.', log, 'the-id')
  expect(code).toBe('build_failed')
  const lines = message.split('\n')
  expect(lines[0]).toBe('The build failed, and nothing was changed: it ended with code 1.')
  expect(lines.slice(2, -1)).toEqual(log.split('\n').slice(-30))
  expect(lines.at(-1)).toContain('GET /v1/builds/the-id/log')
})

test('A refusal leaves out the manual that npm prints, and repeats its reason', () => {
  const manual = ['Clean install a project', ...Array(50).fill(''), 'Run "npm help ci" for more info']
  const log = ['npm error Missing: is-odd@3.0.1 from lock file', ...manual.map((line) => `npm error ${line}`), 'end']
  expect(messageOf(log.join('\n')).split('\n').slice(2, -1)).toEqual([log[0], 'end'])
})

test('A record repeats the last lines too, within a limit, and is the reason alone where the tool printed nothing', () => {
  const log = Array.from({ length: 100 }, (_, at) => `line ${at}\n`).join('\n')
  expect(withLastLines('why', log).split('\n')).toEqual(['why', 'line 95', 'line 96', 'line 97', 'line 98', 'line 99'])
  expect(withLastLines('why', 'x'.repeat(5000)).length).toBe(1000)
  expect(withLastLines('why', '\n')).toBe('why')
})

describe('A refusal says what helps', () => {
  test.each([
    [
      'npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.',
      'The lock file does not fit',
    ],
    ['ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile"', 'The lock file does not fit'],
    [
      'error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.',
      'The lock file does not fit',
    ],
    ['pyproject.toml changed significantly since poetry.lock was last generated.', 'The lock file does not fit'],
    ['npm error gyp ERR! find Python You need to install the latest version of Python.', 'TAIBAI_BUILD_PACKAGES=g++'],
    ['npm error gyp ERR! stack Error: not found: make', 'TAIBAI_BUILD_PACKAGES=g++'],
    ["error: command 'gcc' failed: No such file or directory", 'TAIBAI_BUILD_PACKAGES=g++'],
    ['Error: pg_config executable not found.', 'TAIBAI_BUILD_PACKAGES=g++'],
    ['npm error syscall spawn git', 'TAIBAI_BUILD_PACKAGES=git'],
    ["ERROR: Cannot find command 'git' - do you have 'git' installed", 'TAIBAI_BUILD_PACKAGES=git'],
    ['npm error code E401', 'taibai secret set BUILD_NPM_TOKEN'],
    ['ERROR: HTTP error 403 while getting it: 403 Client Error: Forbidden', 'taibai secret set BUILD_NPM_TOKEN'],
    [
      'error An unexpected error occurred: "Request failed \\"401 Unauthorized\\""',
      'taibai secret set BUILD_NPM_TOKEN',
    ],
    ['npm error code ENOTFOUND', 'TAIBAI_BUILD_NETWORK'],
    ["('Failed to establish a new connection: [Errno 111] Connection refused')", 'TAIBAI_BUILD_NETWORK'],
    ['npm error code SELF_SIGNED_CERT_IN_CHAIN', 'TAIBAI_BUILD_CERTIFICATES_FILE'],
    ['[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed', 'TAIBAI_BUILD_CERTIFICATES_FILE'],
  ])('%s', (line, help) => {
    const lines = messageOf(`${line}\nthe end`).split('\n')
    expect(lines[1]).toContain(help)
    expect(lines.slice(2, -1)).toEqual(['Its last lines:', line, 'the end'])
  })

  test('only where a sign is there', () => {
    expect(messageOf('npm error code ERESOLVE').split('\n')[1]).toBe('Its last lines:')
  })
})
