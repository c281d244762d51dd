/** drizzle-kit's settings for taibai.db; used by `npm run db:generate`. */
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: 'src/store/schema.ts',
  out: 'src/store/migrations/main',
})
