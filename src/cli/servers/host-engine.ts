import { readSettings } from '../../host/address.ts'
import { type Credentials, type EngineClient, makeEngineClient } from '../../host/engine-client.ts'
import { CliError } from '../command.ts'

/** Uses an engine, by default this machine's; reports one that does not answer. */
export async function withEngine(
  work: (engine: EngineClient) => Promise<void>,
  credentials?: Credentials,
  address?: string,
): Promise<void> {
  const engine = makeEngineClient(address ?? readSettings().dockerHost, credentials)
  try {
    const answer = await engine.ask()
    if (answer === 'denied') throw new CliError(`This user may not use the engine at ${engine.address}.`, 'refused')
    if (answer === 'no') {
      const help = address === undefined ? 'see "taibai doctor"' : `see what "docker -H ${address} version" says`
      throw new CliError(`No engine answers at ${engine.address}; ${help}.`, 'unreachable')
    }
    await work(engine)
  } finally {
    engine.close()
  }
}
