/**
 * Programs that fetch their own events from the Runtime API of AWS Lambda: an executable `bootstrap` in the root of the package,
 * in any language. It is started once and stays; this process serves the API. The program of an image runs in a container of its
 * own instead.
 */

const { Refusal } = require('../errors.cjs')
const { builtin, exit } = require('../builtins.cjs')
const { surroundings } = require('../aws/environment.cjs')
const { listeningAhead, RuntimeApi } = require('../aws/runtime-api.cjs')
const { accessSync, constants, existsSync } = builtin('node:fs')
const { join } = builtin('node:path')

class InvalidEntrypoint extends Refusal {}

/** Resolves with the call function once the program requests its first event. Rejects when it cannot. */
async function load(wish) {
  const ahead = listeningAhead()
  if (ahead !== undefined) {
    await ahead.serve(wish, surroundings(wish)).ready
    return ahead
  }
  const bootstrap = existsSync(join(wish.code, 'bootstrap')) ? join(wish.code, 'bootstrap') : await compiled(wish.code)
  if (!isExecutable(bootstrap)) {
    throw refused('"bootstrap" is not executable: chmod +x it before it goes into the ZIP')
  }
  const fixed = surroundings(wish)
  const api = new RuntimeApi().serve(wish, fixed)
  const port = await api.listen(0)
  const env = { ...process.env, ...wish.env, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}` }
  start(bootstrap, { cwd: wish.code, env, stdio: ['ignore', 'inherit', 'inherit'] }, api)
  await api.ready
  return api
}

/** On plain processes nobody has compiled the package: the Go of this machine does. */
async function compiled(code) {
  const missing = 'the package has no file "bootstrap" at its root: that is what is started'
  if (!existsSync(join(code, 'go.mod'))) throw refused(missing)
  if (!existsSync(compiler)) {
    throw refused(`${missing}; source in Go is compiled where the server is started with TAIBAI_RUNTIMES=go`)
  }
  const { execFile } = builtin('node:child_process')
  return new Promise((resolve, reject) =>
    execFile('sh', [compiler, 'program', code], { maxBuffer: longestSaid }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim())
      else reject(Object.assign(new Refusal(stderr.trim() || error.message), { name: 'BuildFailed' }))
    }),
  )
}

/** Beside this runtime, where runtimes are folders of this machine. */
const compiler = join(__dirname, '../../../go/shim/main.sh')
const longestSaid = 1024 * 1024

const refused = (message) => Object.assign(new InvalidEntrypoint(message), { name: 'Runtime.InvalidEntrypoint' })

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** This process ends as the program did, because it cannot take calls without it. */
function start(program, options, api) {
  const child = builtin('node:child_process').spawn(program, [], options)
  child.on('error', (error) => api.refuse(refused(`"bootstrap" cannot be started: ${error.message}`)))
  child.on('exit', (code, signal) => {
    const how = signal === null ? `exit status ${code}` : `signal ${signal}`
    if (api.refuse(Object.assign(new Refusal(`the program ended before it asked for an event: ${how}`), ended))) return
    // The program's last output may still be on its way.
    setTimeout(() => exit(code === null ? 128 + builtin('node:os').constants.signals[signal] : code), 20)
  })
  process.removeAllListeners('SIGTERM')
  process.on('SIGTERM', () => child.kill('SIGTERM'))
}

const ended = { name: 'Runtime.ExitError' }

function bind(api) {
  return {
    inputOf: (call, meta, buffer, from, to) => api.take(call, meta, Buffer.from(buffer.subarray(from, to))),
    contextOf: () => undefined,
    invoke: () => {},
    answer: () => {},
  }
}

module.exports = { bind, load }
