// Builds the image taibai/server through the engine's API: the executable on a slim base. Builds dist/taibai first if it is
// missing. `--if-old` builds both only when their inputs have changed.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder, version } from '../src/assets.ts'
import { readSettings } from '../src/host/address.ts'
import { packContext } from '../src/host/build-context.ts'
import { runOrThrow } from '../src/host/command.ts'
import { ensureDebianBase } from '../src/host/debian-base.ts'
import { type EngineClient, makeEngineClient } from '../src/host/engine-client.ts'
import { makeRegistries } from '../src/host/registry.ts'
import { progress, runScript } from './setup/terminal.ts'

const officialBase = 'debian:bookworm-slim'
const executable = join(projectFolder, 'dist', 'taibai')

/** A slim Debian lacks only the C++ library. */
const dockerfile = `ARG BASE
FROM $BASE
COPY libraries/ /usr/local/lib/
RUN ldconfig
COPY taibai /usr/local/bin/taibai
ENV TAIBAI_HOST=0.0.0.0 TAIBAI_DATA_DIR=/data MALLOC_ARENA_MAX=2
EXPOSE 7070
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["taibai", "status"]
ENTRYPOINT ["taibai"]
CMD ["serve", "--container"]
`

/** Label with the hash of the image's inputs: the executable and the Dockerfile. */
const madeOfLabel = 'io.taibai.made-of'

async function main(): Promise<undefined> {
  const engine = makeEngineClient(readSettings().dockerHost)
  const isOptional = process.argv.includes('--if-old')
  if (isOptional || !existsSync(executable)) {
    await runOrThrow('The executable', process.execPath, ['scripts/build-binary.ts', '--if-old'])
  }
  const madeOf = createHash('sha256').update(readFileSync(executable)).update(dockerfile).digest('hex')
  const found = isOptional ? await engine.inspect('taibai/server') : undefined
  if (found?.labels[madeOfLabel] !== madeOf) await make(engine, madeOf)
  engine.close()
}

async function make(engine: EngineClient, madeOf: string): Promise<void> {
  progress.step('The image taibai/server')
  const isOfficial =
    (await engine.inspect(officialBase)) !== undefined ||
    (await makeRegistries(engine.pull).pull(officialBase, progress.detail))
  const base = isOfficial ? officialBase : await ensureDebianBase(engine, progress.detail)
  const libraries = ['libstdc++.so.6', 'libgcc_s.so.1'].map((name) => ({
    name: `libraries/${name}`,
    content: { file: join('/usr/lib', `${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`, name) },
  }))
  const program = { name: 'taibai', content: { file: executable }, isProgram: true }
  await engine.build('Building taibai/server', {
    context: packContext([{ name: 'Dockerfile', content: dockerfile }, ...libraries, program]),
    tags: ['taibai/server', `taibai/server:${version}`],
    arguments: { BASE: base },
    labels: {
      'org.opencontainers.image.title': 'Taibai',
      'org.opencontainers.image.version': version,
      [madeOfLabel]: madeOf,
    },
  })
  const mebibytes = (bytes: number) => `${Math.round(bytes / 1048576)} MiB`
  const size = (await engine.inspect('taibai/server'))?.bytes ?? 0
  progress.done(
    `taibai/server:${version} is built on ${base}: ${mebibytes(size)}, of which the executable is ${mebibytes(statSync(executable).size)}`,
  )
}

await runScript(main)
