import { readSettings } from '../host/address.ts'
import { type Credentials, type EngineClient, makeEngineClient } from '../host/engine-client.ts'
import { CliError } from './command.ts'

/** Does something with the engine of this machine; one that does not answer is said. */
export async function withEngine(
  work: (engine: EngineClient) => Promise<void>,
  credentials?: Credentials,
): Promise<void> {
  const engine = makeEngineClient(readSettings().dockerHost, credentials)
  try {
    const answer = await engine.ask()
    if (answer === 'denied') throw new CliError(`This user may not use the engine at ${engine.address}.`, 'refused')
    if (answer === 'no')
      throw new CliError(`No engine answers at ${engine.address}; see "taibai doctor".`, 'unreachable')
    await work(engine)
  } finally {
    engine.close()
  }
}
