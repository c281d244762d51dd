/**
 * The Node.js shim: one process that waits for a function, loads it and runs its calls, over the worker protocol of
 * runtimes/README.md. No dependencies, and nothing is loaded that a generic worker does not need.
 *
 * Reading order: this file (connect and say hello), `wire` (frames), `worker` (what each frame means), `load` (from an entry to
 * a callable), `invoke`, `calls`, `answer`, `output`, `errors`, `uncaught`, `usage`, `heap`, `own-process`; `warm-up` while there is no function yet. BIND loads one file of `signatures/`, and the first SESSION
 * loads `openstack`. A worker without a folder of its own loads `tcp` and `code`, and `relay` in a process before this one where its
 * link is encrypted; `bridge` is no worker, but the way to an image. `builtins` is what all of them use of the language,
 * `node-internals` what they lean on that Node.js does not promise.
 */

const { readFileSync } = process.getBuiltinModule('node:fs')
const { dirname, resolve } = process.getBuiltinModule('node:path')
const { compileFunction } = process.getBuiltinModule('node:vm')

/** Loaded parts by file. */
const parts = new Map()
/** Names that a part uses like globals. Node itself imports the code of functions. */
const names = ['module', 'require', '__dirname', 'importModule']

/**
 * `require` for the parts of the shim, which are CommonJS modules. Node's own loaders search for packages and links that do not
 * exist: that takes 1 ms and 300 kB per part in every worker.
 */
function load(filename) {
  const loaded = parts.get(filename)
  if (loaded !== undefined) return loaded.exports
  const module = { exports: {} }
  parts.set(filename, module)
  const folder = dirname(filename)
  const run = compileFunction(readFileSync(filename, 'utf8'), names, { filename })
  run(
    module,
    (path) => load(resolve(folder, path)),
    folder,
    (url) => import(url),
  )
  return module.exports
}

const part = (path) => load(resolve(import.meta.dirname, path))

const wire = part('wire.cjs')

async function start() {
  const { TAIBAI_RUNTIME_API_PORT: port } = process.env
  if (port !== undefined) await part('aws/runtime-api.cjs').listenAhead(Number(port))
  wire.onFrame((...frame) =>
    part('worker.cjs')
      .start()
      .takeFrame(...frame),
  )
  wire.connect()
  wire.send(wire.frameTypes.HELLO, 0, JSON.stringify({ protocol: 1, runtime: 'nodejs', version: process.version }))
  // Runs while the server processes the hello.
  setImmediate(() => part('worker.cjs').start())
}

function takeOver() {
  part('worker.cjs').start(true)
  wire.takeOver(part('own-process.cjs').takenOver())
}

/** The key with a certificate, where the link is to be encrypted. */
function keyToRelay() {
  const { TAIBAI_SERVER: server, TAIBAI_KEY: file } = process.env
  if (server === undefined) return undefined
  const key = part('relay.cjs').keyOf(file)
  return key.certificate === undefined ? undefined : key
}

const { TAIBAI_BRIDGE: image } = process.env
const key = image === undefined ? keyToRelay() : undefined
if (image !== undefined) part('bridge.cjs').bridge(image)
else if (key !== undefined) part('relay.cjs').relay(key)
else if (process.env.TAIBAI_CONNECTION === undefined) await start()
else takeOver()
