/** What of a Go package becomes a function, what its requests look like, and what arrives of a worker that dies. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { completeRuntimeOf } from '../support/complete-runtimes.ts'
import { ShimProcess } from '../support/shim-process.ts'
import { waitUntil } from '../support/wait-until.ts'

const { folder: runtime, isHere } = completeRuntimeOf('go')

const handler = `package hello

func Handler(event any) any { return event }
`

/** As the kernel names it. */
const stateOf = (pid: number) => / (\w) \d+ \d+ \d+ /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]

/** Each thread has its own. */
const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )

describe.runIf(isHere)('a function in Go', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  function newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'taibai-go-'))
    folders.push(folder)
    return folder
  }

  function packageOf(files: Record<string, string>): string {
    const folder = newFolder()
    for (const [name, text] of Object.entries({ 'go.mod': 'module example.org/hello\n\ngo 1.21\n', ...files })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    return folder
  }

  test('with a main of its own is refused, and is told where that is for', async () => {
    const code = packageOf({ 'main.go': 'package main\n\nfunc Handler() {}\n\nfunc main() {}\n' })
    await using shim = await ShimProcess.start(runtime)
    await expect(shim.bind(code)).rejects.toThrow(
      /main\.go has a func main: .* lambda\.Start, is for the runtime "provided"/,
    )
  })

  test('is not asked for what is in modules of their own, and in folders that are several packages', async () => {
    const code = packageOf({
      'hello.go': handler,
      'examples/go.mod': 'module example.org/examples\n',
      'examples/one.go': 'package examples\n\nfunc Handler() {}\n',
      'tools/a.go': 'package a\n',
      'tools/b.go': 'package b\n',
    })
    await using shim = await ShimProcess.start(runtime)
    await shim.bind(code)
    expect(await shim.connection.call({ a: 1 }).outcome).toMatchObject({ value: { a: 1 } })
  })

  test('sees the path of a request as a server reads it, and an address that it can take apart', async () => {
    const code = packageOf({
      'web.go': `package hello

import (
	"fmt"
	"net"
	"net/http"
)

func Handle(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.RemoteAddr)
	fmt.Fprintf(w, "%s %s %s %s %v", r.URL.Path, r.URL.Host, host, port, err)
}
`,
    })
    await using shim = await ShimProcess.start(runtime)
    await shim.bind(code, { signature: 'http' })
    const headers: [string, string][] = [['x-forwarded-for', '2001:db8::1']]
    const call = shim.connection.fetch({ method: 'GET', target: '//static/a', headers })
    expect(String(((await call.outcome) as { body?: Buffer }).body)).toBe('//static/a  2001:db8::1 0 <nil>')
  })

  test.each([1, 2, 3])('says all that it wrote before it died, on an encrypted link (%i)', async () => {
    const lines = 3000
    const code = packageOf({
      'dies.go': `package hello

import (
	"log"
	"os"
	"strings"
	"syscall"
	"time"
)

func Handler(path string) {
	log.Print("it has begun")
	for _, err := os.Stat(path); err != nil; _, err = os.Stat(path) {
		time.Sleep(time.Millisecond)
	}
	log.Print(strings.Repeat("all of it, to the last word\\n", ${lines}))
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
}
`,
    })
    const go = join(newFolder(), 'go')
    await using shim = await ShimProcess.start(runtime, 'tls')
    await shim.bind(code)
    const call = shim.connection.call(go)
    await waitUntil('it has begun', () => call.output.stderr !== '')
    const [child = 0] = childrenOf(shim.pid)
    shim.signal('SIGSTOP')
    await waitUntil('its relay stands still', () => stateOf(shim.pid) === 'T')
    writeFileSync(go, '')
    await waitUntil('it is dead', () => stateOf(child) === 'Z')
    shim.signal('SIGCONT')
    expect(await call.outcome).toEqual({ state: 'lost' })
    expect(call.output.stderr.match(/all of it, to the last word/g)).toHaveLength(lines)
    expect(await shim.exited).toBe(137)
  })

  describe('that is a program of its own', () => {
    const program = 'package main\n\nfunc main() {}\n'
    const compile = (code: string, kept: string) =>
      spawnSync('sh', [join(runtime, 'shim/main.sh'), 'program', code], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: process.env.HOME, TAIBAI_GO_KEPT: kept },
      })

    test.each([
      ['none', { 'hello.go': handler }, /has no program: a package main/],
      [
        'several',
        { 'cmd/a/main.go': program, 'cmd/b/main.go': program },
        /several programs \(\.\/cmd\/a, \.\/cmd\/b\)/,
      ],
      ['one that does not compile', { 'main.go': 'package main\n\nfunc main() { nothing() }\n' }, /undefined: nothing/],
    ])('is refused in words: %s', (_what, files: Record<string, string>, message) => {
      expect(compile(packageOf(files), newFolder())).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(message),
      })
    })

    test('is compiled once, and those that nobody has used for longest are removed', () => {
      const kept = newFolder()
      const old = Array.from({ length: 40 }, (_, at) => join(kept, `old-${at}`))
      old.forEach((file, at) => {
        writeFileSync(file, '')
        utimesSync(file, at + 1, at + 1)
      })
      const code = packageOf({ 'cmd/only/main.go': program, 'lib/lib.go': 'package lib\n' })
      const first = compile(code, kept)
      expect([first.status, first.stderr]).toEqual([0, ''])
      const there = readdirSync(kept)
      expect(there).toHaveLength(30)
      expect(there).toContain(basename(first.stdout.trim()))
      expect(there).toContain('old-39')
      expect(there).not.toContain('old-0')
      expect(compile(code, kept).stdout).toBe(first.stdout)
    })
  })
})
