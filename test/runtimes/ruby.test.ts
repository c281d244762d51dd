/** What the Ruby runtime does that the conformance list does not ask of every language. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { BindFailure, type BindOptions, type BoundWorker, type Outcome } from '../support/conformance-harness.ts'
import { processHarness } from '../support/shim-process.ts'

const ruby = completeRuntimes().find(({ name }) => name === 'ruby')
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

describe.runIf(ruby?.isHere)('a function in Ruby', () => {
  test('with named parameters is called as AWS Lambda calls it', async () => {
    await using worker = await bind('def main(event:, context:) = { n: event["n"], id: context.aws_request_id }')
    expect(await answer(worker, { n: 1 })).toEqual({ n: 1, id: 'e-1' })
  })

  test.each([
    ['no parameter', 'def main = "none"', 'none'],
    ['the event alone', 'def main(event) = event["n"].to_s', '7'],
    ['any number of them', 'def main(*given) = given.size.to_s', '2'],
    ['an object with call', 'Main = Class.new { def call(event, _) = event["n"].to_s }.new', '7'],
  ])('may have %s', async (_what, code, expected) => {
    const entry = code.startsWith('Main') ? 'main.Main' : 'main.main'
    await using worker = await bind(code, { entry })
    expect(await answer(worker, { n: 7 })).toBe(expected)
  })

  test('that is one of Ruby itself is not found', async () => {
    await expect(bind('def other = 1', { entry: 'main.puts' })).rejects.toMatchObject({
      type: 'EntryNotFound',
      message: expect.stringContaining('other'),
    })
  })

  test('finds its gems in vendor/bundle, and files of RUBYLIB', async () => {
    const files = {
      'vendor/bundle/ruby/3.3.0/gems/greeting-1.0/lib/greeting.rb': 'GREETING = "hello"',
      'more/name.rb': 'NAME = "you"',
    }
    const code = 'require "greeting"\nrequire "name"\ndef main = "#{GREETING} #{NAME}"'
    await using worker = await bind(code, { env: { RUBYLIB: 'more' } }, files)
    expect(await answer(worker)).toBe('hello you')
  })

  test('is refused because RUBYOPT comes too late', async () => {
    const late = bind('def main = 1', { env: { RUBYOPT: '-W0' } })
    await expect(late).rejects.toThrow(BindFailure)
    await expect(late).rejects.toThrow(/RUBYOPT is read when Ruby starts/)
  })

  test('may be interrupted by Timeout while it prints, and the worker goes on', async () => {
    const code = `require 'timeout'
def main(event)
  return 'there' if event['done']
  Timeout.timeout(0.05) { loop { puts 'x' * 1000 } }
end`
    await using worker = await bind(code)
    for (const _ of [1, 2, 3]) {
      expect(await worker.call({}).outcome).toMatchObject({ state: 'failed', type: 'Timeout::Error' })
    }
    expect(await answer(worker, { done: true })).toBe('there')
  })

  test('may fork: the child does not answer for it, and its prints go past the shim', async () => {
    const code = `def main
  child = fork { puts 'of the child' }
  Process.wait(child)
  fork
end`
    await using worker = await bind(code)
    const call = worker.call()
    expect(await call.outcome).toMatchObject({ state: 'value', kind: 'json' })
    expect(call.output.stdout).toBe('of the child\n')
    expect(await worker.call().outcome).toMatchObject({ state: 'value' })
  })

  test('prints in a handler of a signal', async () => {
    const code = `trap('USR1') { puts 'heard' }
def main
  Process.kill('USR1', Process.pid)
  sleep 0.05
end`
    await using worker = await bind(code)
    const call = worker.call()
    await call.outcome
    expect(call.output.stdout).toBe('heard\n')
  })

  test('may print single characters', async () => {
    await using worker = await bind(`def main = [putc('xyz'), putc(10), $stderr.putc('é')] && nil`)
    const call = worker.call()
    await call.outcome
    expect(call.output).toEqual({ stdout: 'x\n', stderr: 'é' })
  })

  test('prints by what it has started belong to its call while it is the only one', async () => {
    await using worker = await bind('def main = Thread.new { warn "later" }.join && nil')
    const call = worker.call()
    await call.outcome
    expect(call.output.stderr).toBe('later\n')
  })
})

describe.runIf(ruby?.isHere)('a Rack application', () => {
  test('sees the request as Rack puts it, and answers with repeated headers', async () => {
    const code = `def main(env)
  seen = env.slice('REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'SERVER_NAME', 'SERVER_PORT', 'HTTP_COOKIE', 'rack.url_scheme')
  [200, { 'set-cookie' => ['a=1', 'b=2'], 'x-lines' => "1\\n2" }, [JSON.generate(seen)]]
end`
    await using worker = await bind(code, { signature: 'http' })
    const headers: [string, string][] = [
      ['host', 'shop.example:8080'],
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ]
    const url = 'https://shop.example:8080/fn/shop/gr%C3%BC%C3%9F?a=1'
    const request = { target: '/gr%C3%BC%C3%9F?a=1', prefix: '/fn/shop', url, headers }
    const outcome = await worker.fetch(request).outcome
    expect(outcome).toMatchObject({
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['x-lines', '1'],
        ['x-lines', '2'],
      ],
    })
    expect(JSON.parse(bodyOf(outcome))).toEqual({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '/fn/shop',
      PATH_INFO: '/grüß',
      QUERY_STRING: 'a=1',
      SERVER_NAME: 'shop.example',
      SERVER_PORT: '8080',
      HTTP_COOKIE: 'a=1; b=2',
      'rack.url_scheme': 'https',
    })
  })

  test('finds its path whole where only some of it is percent-encoded', async () => {
    await using worker = await bind(`def main(env) = [200, {}, [env['PATH_INFO']]]`, { signature: 'http' })
    expect(bodyOf(await worker.fetch({ target: '/ü%C3%BC' }).outcome)).toBe('/üü')
  })

  test('may write its answer itself, and closes what it has opened', async () => {
    const code = `class Parts
  def each(&block) = %w[a b].each(&block)
  def close = puts('closed')
end
def main(env) = [200, {}, env['PATH_INFO'] == '/each' ? Parts.new : ->(stream) { stream << 'c' << 'd'; stream.close }]`
    await using worker = await bind(code, { signature: 'http' })
    const call = worker.fetch({ target: '/each' })
    expect(bodyOf(await call.outcome)).toBe('ab')
    expect(call.output.stdout).toBe('closed\n')
    expect(bodyOf(await worker.fetch({ target: '/' }).outcome)).toBe('cd')
  })
})

async function bind(code: string, options: BindOptions = {}, files: Record<string, string> = {}): Promise<BoundWorker> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-ruby-'))
  folders.push(folder)
  for (const [path, text] of Object.entries({ 'main.rb': code, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return await processHarness(ruby?.folder ?? '', folder).bind(options)
}

async function answer(worker: BoundWorker, input?: unknown): Promise<unknown> {
  const outcome = await worker.call(input).outcome
  expect(outcome).toMatchObject({ state: 'value' })
  return (outcome as Extract<Outcome, { state: 'value' }>).value
}

const bodyOf = (outcome: Outcome): string => (outcome.state === 'answer' ? outcome.body.toString() : outcome.state)
