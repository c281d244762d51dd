/**
 * Process entry: the server (no argument, or `serve`) or a command. The only file that may end the process. It loads only what
 * each start needs, including modules of Node.js.
 */

const leastNode = [22, 22]

void main(process.argv.slice(2))

async function main(argv: string[]): Promise<void> {
  checkNode()
  const [word, ...rest] = argv
  if (word === undefined || (word === 'serve' && rest.length === 0)) return serve()
  // The command of our container image.
  if (word === 'serve' && rest[0] === '--container') return serve({ isImage: true })
  if (word === '--version') return showVersion()
  // A Node.js shim, which the process engine starts with this executable where no Node.js is installed.
  if (word === 'shim') return runFile(rest)
  process.exitCode = await runCommand(argv)
}

/** Called before native code is loaded: an older Node.js would crash on it. */
function checkNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [wantMajor = 0, wantMinor = 0] = leastNode
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return
  process.stderr.write(
    `Taibai needs Node.js ${leastNode.join('.')} or newer and this is ${process.version}: start it with "npm start", which brings its own.\n`,
  )
  process.exit(1)
}

async function serve(how: { isImage?: boolean } = {}): Promise<void> {
  const { serve: start } = await import('./serve.ts')
  await start((code) => process.exit(code), how)
}

async function showVersion(): Promise<void> {
  const { version } = await import('./assets.ts')
  process.stdout.write(`${version}\n`)
}

/** Like `node [flags] FILE`, with flags of V8. */
async function runFile(args: string[]): Promise<void> {
  const file = args.pop() ?? ''
  const { setFlagsFromString } = await import('node:v8')
  const { pathToFileURL } = await import('node:url')
  for (const flag of args) setFlagsFromString(flag)
  await import(pathToFileURL(file).href)
}

async function runCommand(argv: string[]): Promise<number> {
  const { version } = await import('./assets.ts')
  const { startProgram } = await import('./cli/start.ts')
  return startProgram(argv, version, {
    restore: async (...given) => (await import('./local-data.ts')).localData.restore(...given),
    history: async (...given) => (await import('./local-data.ts')).localData.history(...given),
    credentials: async () => (await import('./local-data.ts')).localData.credentials(),
    inspect: async (...given) => (await import('./local-data.ts')).localData.inspect(...given),
  })
}
