import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ServerProcess, serverEnvironment, serverProgram } from '../support/server-process.ts'
import { Terminal } from '../support/terminal.ts'

/** A person at a terminal, and a script: both from an empty folder to a scheduled function. */

const hasTmux = spawnSync('tmux', ['-V']).status === 0
let server: ServerProcess
let folder: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  server = await ServerProcess.start()
  folder = mkdtempSync(join(tmpdir(), 'taibai-person-'))
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  writeFileSync(join(programs, 'taibai'), `#!/bin/sh\nexec ${process.execPath} ${serverProgram} "$@"\n`)
  chmodSync(join(programs, 'taibai'), 0o755)
  const own = { TAIBAI_URL: server.url, TAIBAI_TOKEN: server.data.adminToken, TERM: 'xterm-256color' }
  env = { ...serverEnvironment(own), PATH: `${programs}:${process.env.PATH}` }
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

function emptyFolder(name: string): string {
  mkdirSync(join(folder, name))
  return join(folder, name)
}

describe.skipIf(!hasTmux)('A person at a terminal', () => {
  test('is asked what they want, and comes from an empty folder to a function that runs every minute', async () => {
    using terminal = new Terminal(folder, emptyFolder('person'), env)
    await terminal.sees(/[#$]\s*$/)
    terminal.type('taibai init')
    await terminal.sees(/nodejs/)
    terminal.type('', 'Enter')
    await terminal.sees(/hello/)
    terminal.type('', 'Enter')
    await terminal.sees(/is ready\. Next/)
    terminal.type('cd hello && taibai deploy')
    await terminal.sees(/Deployed: the next call sees it/)
    terminal.type('clear; taibai invoke hello --data \'{"name": "Li Bai"}\' -v')
    const called = await terminal.sees(/run +[\d.]+ ms +█/)
    expect(called).toContain('Li Bai')
    terminal.type("clear; taibai jobs add hello '* * * * *' --name tick && taibai jobs list")
    const listed = await terminal.sees(/NEXT \(UTC\)[\s\S]*tick +hello/)
    expect(listed).toMatch(/\* \* \* \* \* +running/)
    terminal.type('clear; taibai delete hello')
    await terminal.sees(/for good\?/)
    terminal.type('', 'C-c')
    await terminal.sees(/for good\?[\s\S]*[#$]\s*$/)
    terminal.type('clear; taibai show nobody; echo "code $?"')
    const refused = await terminal.sees(/code 5/)
    expect(refused).toContain('There is no function "nobody" here')
    terminal.type('clear; taibai top')
    await terminal.sees(/RUNNING/)
    terminal.type('', 'C-c')
    terminal.type('echo "left $?"')
    await terminal.sees(/left 0/)
  })
})

describe('A script', () => {
  test('comes the same way, reading nothing but JSON and exit codes', () => {
    const script = `
      set -eu
      field() { ${process.execPath} -e 'let t = ""; process.stdin.on("data", (d) => t += d).on("end", () => console.log(eval("(" + t + ")." + process.argv[1])))' "$1"; }
      taibai init nodejs nightly --json >/dev/null
      cd nightly
      test "$(taibai deploy --json | field 'steps[0].kind')" = create
      test "$(taibai deploy --json | field 'steps.length')" = 0
      test "$(taibai invoke nightly --json | field status)" = success
      id=$(taibai jobs add nightly '0 3 * * *' --timezone Europe/Berlin --json | field id)
      test "$(taibai jobs show "$id" --json | field status)" = running
      execution=$(taibai jobs run "$id" --json | field id)
      until [ "$(taibai executions "$execution" --json | field status)" = success ]; do sleep 0.2; done
      taibai jobs rm "$id" --json >/dev/null
      code=0; taibai jobs show "$id" --json 2>error.json || code=$?
      test "$code" = 5
      test "$(field exit_code <error.json)" = 5
      echo all is well
    `
    const { stdout, stderr, status } = spawnSync('bash', ['-c', script], {
      cwd: emptyFolder('script'),
      env,
      encoding: 'utf8',
    })
    expect({ stdout, stderr, status }).toEqual({ stdout: 'all is well\n', stderr: '', status: 0 })
  })
})

describe.skipIf(process.getuid?.() !== 0)('A disk that is full', () => {
  test('is a sentence, and nothing half is left behind', () => {
    const disk = emptyFolder('disk')
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
    if (mounted.status !== 0) return
    try {
      const { status, stderr } = spawnSync('taibai', ['backup', join(disk, 'all.tar')], { env, encoding: 'utf8' })
      expect(status).toBe(1)
      expect(stderr).toMatch(/^The disk is full: .*\.\n$/)
    } finally {
      spawnSync('umount', [disk])
    }
  })
})
