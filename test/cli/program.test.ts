import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/cli/command.ts'
import { allCommands, commandFiles, commandsOf } from '../../src/cli/commands.ts'
import { cliOf } from '../support/cli-run.ts'

/** The command line without a server: what is refused, what is said, and that every command can be found. */

let folder: string
let run: ReturnType<typeof cliOf>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-cli-'))
  run = cliOf({ configDir: join(folder, 'config') })
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('refuses with code 2 and a sentence', () => {
  const cases: [what: string, argv: string[], sentence: RegExp][] = [
    ['a command that there is not', ['deplyo'], /Unknown command 'deplyo'\n\(Did you mean deploy\?\)/],
    ['an option that there is not', ['list', '--nope'], /Unknown option '--nope'/],
    ['an option of another command', ['init', '--runtime'], /Usage: taibai init \[options\] \[template\] \[name\]/],
    ['a missing argument', ['show'], /Missing required argument 'function'\nUsage: taibai show \[options\] <function>/],
    ['an argument too many', ['secret', 'set', 'pw', 'x'], /Usage: taibai secret set \[options\] <name>/],
    ['a verb that a noun has not', ['env', 'greet'], /The commands of taibai env are list, set, rm\./],
    ['a job without a time', ['jobs', 'add', 'x'], /a pattern, such as "0 9 \* \* mon-fri", or --at/],
    ['a name in place of an id', ['explain', 'x'], /"taibai executions --function NAME" lists them/],
    ['a number that is none', ['update', 'x', '--timeout', 'long'], /--timeout takes a whole number, not "long"/],
    ['a change without a change', ['update', 'x'], /Name what to change/],
    ['a path that is not there', ['deploy', '/nowhere/at/all'], /There is no file or folder/],
    ['a context that there is not', ['list', '--context', 'nope'], /There is no context "nope"/],
    ['an address that is none', ['context', 'add', 'shop', 'shop.example.org'], /is not an address/],
    ['a name that is taken for this machine', ['context', 'add', 'local', 'http://x'], /choose another name/],
    ['a shell that is not known', ['completion', 'tcsh'], /choose bash, zsh or fish/],
    [
      'a template that there is not',
      ['init', 'cobol'],
      /There is no template "cobol": choose one of nodejs, python3, .*chat-bot, /,
    ],
    ['a removal that nobody can agree to', ['delete', 'x'], /pass --yes/],
    ['input behind the name that is not JSON', ['invoke', 'x', 'hello'], /"hello" is not JSON\. .* --data/],
    ['input behind the name and as an option', ['invoke', 'x', '1', '--data', '1'], /Give the input once/],
    ['input given twice', ['invoke', 'x', '--data', '1', '--file', '-'], /not with both/],
  ]

  test.each(cases)('%s', async (_what, argv, sentence) => {
    const { code, stdout, stderr } = await run(argv)
    expect({ code, stdout }).toEqual({ code: exitCodes.usage[0], stdout: '' })
    expect(stderr).toMatch(sentence)
    expect(stderr).not.toMatch(/^\s+at /m)
  })
})

test('a function is begun in a folder anywhere, under the last part of its path', async () => {
  const at = join(folder, 'functions/report')
  expect((await run(['init', 'python3', at])).code).toBe(0)
  expect(readFileSync(join(at, 'taibai.yaml'), 'utf8')).toContain('\n  report:\n')
})

test('a script is begun as one that can be started', async () => {
  const at = join(folder, 'nightly')
  expect((await run(['init', 'executable', at])).code).toBe(0)
  expect(readFileSync(join(at, 'taibai.yaml'), 'utf8')).toContain('runtime: executable')
  expect(statSync(join(at, 'main.sh')).mode & 0o111).not.toBe(0)
})

test.each([
  [['dead-letters', 'drop', '--function', 'greet', '--status', 'failed', '--json']],
  [['dead-letters', 'redrive', '--all', '--json']],
  [['builds', 'show', '0197c0de-0000-7000-8000-000000000000', '--json']],
])('options after %j are its own, also where the command before has the same ones', async (argv) => {
  const { code, stderr } = await run(argv)
  expect(code).toBe(exitCodes.unreachable[0])
  expect(JSON.parse(stderr)).toMatchObject({ error: expect.stringContaining('No Taibai server') })
})

describe('a server that is away', () => {
  test('is said with what to do about it, and code 3', async () => {
    const { code, stderr } = await run(['list'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^No Taibai server answers at http:\/\/127\.0\.0\.1:1 \(\w+\)\. Start it with "taibai up"/)
  })

  test('is said to programs as JSON', async () => {
    const { code, stderr } = await run(['list', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(stderr)).toEqual({ error: expect.stringContaining('No Taibai server'), exit_code: 3 })
  })

  test('shows where the error comes from with --debug only', async () => {
    expect((await run(['list', '--debug'])).stderr).toMatch(/^\s+at /m)
  })
})

describe('every command', () => {
  test('is found by its first word, once', async () => {
    const names = (await allCommands()).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const word of Object.keys(commandFiles)) expect(await commandsOf(word), word).not.toEqual([])
  })

  test('has help with its summary and an example that begins with its name', async () => {
    for (const { name, summary, examples } of await allCommands()) {
      const { code, stdout } = await run([...name.split(' '), '--help'])
      expect({ name, code }).toEqual({ name, code: 0 })
      expect(stdout.replace(/\s+/g, ' ')).toContain(summary.replace(/\s+/g, ' '))
      expect(
        examples.some((example) => example.includes(`taibai ${name}`)),
        name,
      ).toBe(true)
      expect(summary, name).not.toMatch(/\.$/)
    }
  })

  test('is listed by the help', async () => {
    const { code, stdout } = await run(['--help'])
    expect(code).toBe(0)
    for (const word of Object.keys(commandFiles)) expect(stdout).toMatch(new RegExp(`^  ${word}\\b`, 'm'))
  })

  test('completes in bash, zsh and fish', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { stdout } = await run(['completion', shell])
      for (const word of Object.keys(commandFiles)) expect(stdout).toContain(word)
      expect(stdout).toContain('timezone')
    }
  })
})

test('the version is one word', async () => {
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: '1.2.3\n', stderr: '' })
})

describe('contexts', () => {
  test('are kept in a file that only its owner can read, and never shown with their token', async () => {
    writeFileSync(join(folder, 'token'), 'tb_secret\n')
    const added = await run(['context', 'add', 'shop', 'http://127.0.0.1:2', '--token-file', join(folder, 'token')])
    expect(added).toMatchObject({ code: 0 })
    const file = join(folder, 'config/contexts.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(file, 'utf8')).contexts.shop).toEqual({
      url: 'http://127.0.0.1:2',
      token: 'tb_secret',
    })
    await run(['context', 'use', 'shop'])
    const listed = await run(['context', 'list', '--json'])
    expect(listed.json).toEqual([
      { name: 'local', url: 'the server of this machine', current: false },
      { name: 'shop', url: 'http://127.0.0.1:2', current: true },
    ])
    expect(listed.stdout).not.toContain('tb_secret')
    expect((await run(['list'])).stderr).toContain('http://127.0.0.1:2')
    expect((await run(['list', '--context', 'local'])).stderr).toContain('http://127.0.0.1:1')
    await run(['context', 'rm', 'shop'])
    expect((await run(['list'])).stderr).toContain('http://127.0.0.1:1')
  })

  test('in a damaged file are a sentence', async () => {
    await run(['context', 'add', 'shop', 'http://127.0.0.1:2'], 'tb_x')
    writeFileSync(join(folder, 'config/contexts.json'), '{')
    expect(await run(['list'])).toMatchObject({ code: 2, stderr: expect.stringContaining('is not valid JSON') })
  })
})
