/** Writes the migrations after a change of a schema: `npm run db:generate -- --name what_changed`. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const store = new URL('../src/store/', import.meta.url)
const databases = [
  { folder: 'main', schema: 'schema.ts' },
  { folder: 'ledger', schema: 'ledger-schema.ts' },
]

for (const { folder, schema } of databases) {
  generate(folder, schema)
  embed(folder)
}

function generate(folder: string, schema: string): void {
  const place = ['--schema', `src/store/${schema}`, '--out', `src/store/migrations/${folder}`]
  const command = ['drizzle-kit', 'generate', '--dialect', 'sqlite', ...place, ...process.argv.slice(2)]
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { status } = spawnSync('npx', command, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** The SQL as a module: one that can be bundled, and that needs no folder beside the program. */
function embed(folder: string): void {
  const migrations = new URL(`migrations/${folder}/`, store)
  const journal = JSON.parse(readFileSync(new URL('meta/_journal.json', migrations), 'utf8')) as {
    entries: { tag: string; when: number }[]
  }
  const entries = journal.entries.map(({ tag, when }) => {
    const text = readFileSync(new URL(`${tag}.sql`, migrations), 'utf8')
    return `  {\n    tag: '${tag}',\n    when: ${when},\n    sql: \`${text.replace(/[\\`$]/g, '\\$&')}\`,\n  },\n`
  })
  const head = '// Made by `npm run db:generate` from the SQL files beside it.\n'
  writeFileSync(
    new URL('embedded.ts', migrations),
    `${head}export const ${folder}Migrations = [\n${entries.join('')}]\n`,
  )
}
