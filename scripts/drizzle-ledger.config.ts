/** drizzle-kit's settings for ledger.db; used by `npm run db:generate`. */
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: 'src/store/ledger-schema.ts',
  out: 'src/store/migrations/ledger',
})
