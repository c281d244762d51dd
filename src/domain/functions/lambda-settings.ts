/**
 * Settings of AWS Lambda's API that functions have no field for; they are stored and returned. Functions created in another way
 * have none.
 */
export interface LambdaSettings {
  functionId: string
  projectId: string
  settings: LambdaFields
  updatedAt: number
}

export interface LambdaFields {
  /** The client's name of the runtime: `nodejs20.x`. Null for an image. */
  runtime: string | null
  role: string
  /** The requested memory; the runtime's minimum may be higher. */
  memoryMb: number
  architectures: string[]
  ephemeralMb: number
  tags: Record<string, string>
  /** Statements of the policy by id. They are stored and returned without effect. */
  policy: Record<string, object>
  /** The same for aliases and versions, by their qualifier. Absent: none. */
  policies?: Record<string, Record<string, object>>
  /** Terms of calls of type Event by qualifier; `$LATEST` is the function itself. Absent: none. */
  eventInvoke?: Record<string, LambdaEventTerms>
  aliases: Record<string, LambdaAlias>
  url: LambdaUrl | null
  /** Stored and returned without effect: `TracingConfig`, `VpcConfig` and similar. */
  echoed: Record<string, unknown>
}

export interface LambdaAlias {
  /** 0: the current function. */
  version: number
  /** Shares of calls of further versions. Absent: none. */
  weights?: Record<string, number>
  description: string
}

/** `EventInvokeConfig`: an absent field is the platform's default. */
export interface LambdaEventTerms {
  retries?: number
  maxAgeSeconds?: number
  updatedAt: number
}

export interface LambdaUrl {
  authType: 'NONE' | 'AWS_IAM'
  invokeMode: 'BUFFERED' | 'RESPONSE_STREAM'
  cors: Record<string, unknown> | null
  createdAt: number
  updatedAt: number
}

export interface LambdaSettingsStore {
  find(functionId: string): LambdaSettings | null
  /** Inserts or replaces; the row is deleted with its function. */
  put(settings: LambdaSettings): void
}
