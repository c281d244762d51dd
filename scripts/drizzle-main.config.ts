/** What drizzle-kit needs to know of taibai.db; for `npm run db:generate`. */
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: 'src/store/schema.ts',
  out: 'src/store/migrations/main',
})
