/** Generates the migrations after a schema change: `npm run db:generate -- --name what_changed`. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)

for (const database of ['main', 'ledger']) {
  generate(database)
  embed(database)
}

function generate(database: string): void {
  const command = [
    'drizzle-kit',
    'generate',
    `--config=scripts/drizzle-${database}.config.ts`,
    ...process.argv.slice(2),
  ]
  const { status } = spawnSync('npx', command, { cwd: fileURLToPath(root), stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** Embeds the SQL in a module, which can be bundled and needs no folder beside the program. */
function embed(database: string): void {
  const migrations = new URL(`src/store/migrations/${database}/`, root)
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
    `${head}export const ${database}Migrations = [\n${entries.join('')}]\n`,
  )
}
