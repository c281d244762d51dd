/**
 * What clients of AWS Lambda say of a function and want to be told again, as far as functions have no field for it. Functions
 * that were made in another way have none.
 */
export interface LambdaSettings {
  functionId: string
  projectId: string
  settings: LambdaFields
  updatedAt: number
}

export interface LambdaFields {
  /** As the client named it: `nodejs20.x`. Null: of an image. */
  runtime: string | null
  role: string
  /** As asked; the floor of the runtime may be higher. */
  memoryMb: number
  architectures: string[]
  ephemeralMb: number
  tags: Record<string, string>
  /** Statements of the policy, by their ids. Kept and given back; they have no effect. */
  policy: Record<string, object>
  aliases: Record<string, LambdaAlias>
  url: LambdaUrl | null
  /** Taken and given back, without effect: `TracingConfig`, `VpcConfig` and the like. */
  echoed: Record<string, unknown>
}

export interface LambdaAlias {
  /** 0: the function as it is now. */
  version: number
  /** Shares of calls of further versions. Absent: none. */
  weights?: Record<string, number>
  description: string
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
  /** Writes or replaces; they go with their function. */
  put(settings: LambdaSettings): void
}
