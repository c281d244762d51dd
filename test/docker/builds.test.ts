import { afterAll, beforeAll, expect, test } from 'vitest'
import { deployInLines, fixtureFiles } from '../support/built-packages.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { docker } from '../support/docker-images.ts'
import { ServerProcess } from '../support/server-process.ts'

/** Packages whose dependencies are installed by a real builder, from the registry of this machine, and called. */

describeWithDocker('A server with an engine', () => {
  let server: ServerProcess
  beforeAll(async () => {
    const settings = { TAIBAI_BUILD_NETWORK: 'host', TAIBAI_BUILD_MAX_MB: '200' }
    server = await ServerProcess.start({ engine: 'docker', settings })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  const call = (name: string, event: unknown) => server.ask('POST', `/fn/${name}`, { json: event })
  const lastBuild = async () => (await server.must('GET', '/v1/builds?limit=1')).json.builds[0]

  test('installs what the lock file says, with a native module, and nothing for development', async () => {
    const { output, end } = await deployInLines(server, 'resize', 'nodejs', fixtureFiles('sharp'))
    expect(output).toContain('$ npm ci --omit=dev')
    expect(end.function).toMatchObject({ name: 'resize' })
    expect((await call('resize', { width: 30 })).json).toEqual({ format: 'png', width: 30, hasDevelopment: false })
  })

  test('uses what was installed for other code with the same lists', async () => {
    const files = { ...fixtureFiles('sharp'), 'more.mjs': 'export default 1' }
    const { output } = await deployInLines(server, 'again', 'nodejs', files)
    expect(output).not.toContain('npm ci')
    expect(await lastBuild()).toMatchObject({ status: 'success', cached: true, function_name: 'again' })
    expect((await call('again', { width: 7 })).json).toMatchObject({ width: 7 })
  })

  test('installs what requirements.txt says, with a native module', async () => {
    const files = {
      'requirements.txt': '# as it is\nmarkupsafe==3.0.3\n',
      'main.py': [
        'import markupsafe, markupsafe._speedups',
        'def main(event, context):',
        '    return [str(markupsafe.escape(event)), markupsafe._speedups.__file__.endswith(".so")]',
      ].join('\n'),
    }
    const { output, end } = await deployInLines(server, 'escape', 'python3', files)
    expect(output).toContain('Successfully installed')
    expect(end.function).toMatchObject({ name: 'escape' })
    expect((await call('escape', '<a>')).json).toEqual(['&lt;a&gt;', true])
  })

  test('refuses with the own words of the tool, keeps all of them, and leaves no container', async () => {
    const files = { 'package.json': '{"dependencies": {"@taibai/no-such-package": "1.0.0"}}', 'main.mjs': '' }
    const { end } = await deployInLines(server, 'broken', 'nodejs', files)
    expect(end.error).toMatchObject({ code: 'build_failed' })
    expect(end.error.faultstring).toMatch(/it ended with code 1\.\n.*npm error/s)
    const { id, status } = await lastBuild()
    expect(status).toBe('failed')
    expect((await server.must('GET', `/v1/builds/${id}/log`)).text).toContain('npm error')
    expect((await server.ask('GET', '/v1/functions/broken')).status).toBe(404)
    expect(await docker('ps', '-a', '-q', '--filter', `name=build-${id}`)).toBe('')
  })

  test('ends a build that writes too much, and one finds neither the host nor another function', async () => {
    const script =
      'cat /proc/self/status | grep -E CapEff.0+$ && ls /taibai; head -c 600000000 /dev/zero > big; sleep 60'
    const files = {
      'package.json': JSON.stringify({ dependencies: { 'is-number': '7.0.0' }, scripts: { preinstall: script } }),
    }
    const { output, end } = await deployInLines(server, 'large', 'nodejs', files)
    expect(end.error.faultstring).toContain('it wrote more than 200 MiB (TAIBAI_BUILD_MAX_MB).')
    expect(output).not.toContain('worker.sock')
  })
})
