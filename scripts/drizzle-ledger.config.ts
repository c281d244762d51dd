/** What drizzle-kit needs to know of ledger.db; for `npm run db:generate`. */
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: 'src/store/ledger-schema.ts',
  out: 'src/store/migrations/ledger',
})
