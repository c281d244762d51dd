import type { Row } from './row.ts'

export interface RuntimeRow extends Row {
  name: string | null
  image: string
  description: string | null
  is_public: boolean
  trusted: boolean
  status: 'creating' | 'available' | 'upgrading' | 'error' | 'deleting'
  signature: string
  min_memory: number
  languages: string[]
  language_version: string | null
}

export interface RuntimeFields {
  name?: string
  description?: string
  image?: string
  is_public?: boolean
  trusted?: boolean
  signature?: string
  min_memory?: number
}
