import { z } from 'zod'
import { int, list } from './value-kinds.ts'

/** Largest user id that engines accept. */
export const lastUid = 2 ** 31 - 1
const egressEntry = /^(host|metadata|\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?)(:\d{1,5})?$/

export const engine = {
  engine: z
    .enum(['docker', 'swarm', 'process'])
    .default('docker')
    .describe(
      'docker: containers. swarm: tasks on the nodes of a Docker Swarm. process: child processes without isolation, for development and on loopback only.',
    ),
  dockerHost: z
    .string()
    .optional()
    .describe('Address of the Docker engine; default: DOCKER_HOST, or the local socket.'),
  weakEngine: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe(
      'What to do with an engine that isolates functions less than Docker: a rootless one on control groups v1, one that cannot limit memory or filter system calls, or Podman. refuse: the server does not start, and reports the reason.',
    ),
  link: z
    .enum(['auto', 'folder', 'tcp'])
    .default('auto')
    .describe(
      "How workers and the server connect. folder: through sockets in a folder that the engine also sees; tcp: workers connect to the server. auto: folder if the engine sees the server's files, else tcp.",
    ),
  linkAddress: z
    .string()
    .regex(/^[\w.-]+(:\d{1,5})?$/, 'must be an address, with :PORT if the port must be a certain one')
    .optional()
    .describe(
      "With tcp: address at which the engine's containers reach this machine, with :PORT if a firewall must allow a fixed port; default: detected.",
    ),
  linkTls: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe(
      'Whether TCP connections between workers and the server are encrypted (TLS 1.3, with a new certificate at each start). auto: if they leave this machine. Encryption needs a second process in each worker.',
    ),
  untrustedOciRuntime: z
    .string()
    .optional()
    .describe("OCI runtime for workers of untrusted runtimes, by the engine's name for it, such as runsc."),
  imageAllow: list
    .default([])
    .describe(
      'Container images that members may use as functions, separated by commas; * matches any characters, as in registry.example.org/team/*. Admins may use any image. Default: any image.',
    ),
  sandboxes: list
    .default(['runsc', 'kata'])
    .describe(
      'OCI runtimes that functions may request with "sandbox", by the engine\'s names for them and separated by commas: those that isolate more than the engine\'s default.',
    ),
  cgroupParent: z
    .string()
    .regex(/^[\w.@:/-]+$/, 'must be a control group: a path such as /taibai-workers, or a slice such as workers.slice')
    .optional()
    .describe(
      "Parent control group of all workers on the engine's machine, which allows limits and weight for all of them together: a path, or a systemd slice if the engine uses systemd; default: the engine's.",
    ),
  nice: int(-20, 19)
    .default(-10)
    .describe(
      'Processor priority (nice value) of the server, from -20 (highest) to 19; below 0 only as root. The calls of all functions pass through the server.',
    ),
  workerUid: int(1, lastUid).default(64000).describe('User id of the first worker, and group id of all workers.'),
  workerUids: int(1, lastUid)
    .default(1000)
    .describe(
      "Number of user ids from that id on, one for each worker: a worker cannot exhaust another's per-user kernel limits.",
    ),

  imagesHighWaterMb: int(0)
    .default(0)
    .describe(
      'Total size of the images that this server pulled for functions, in MiB, above which unused ones are removed, oldest first; 0: never.',
    ),
  egressAllow: list
    .default([])
    .refine((entries) => entries.every((entry) => egressEntry.test(entry)), {
      message: 'each entry is host, metadata or an IPv4 address or network, with :PORT to allow a single port',
    })
    .describe(
      "Destinations that functions with a network may reach although they are blocked by default, separated by commas: host (the host's own services), host:PORT, metadata (the cloud's address 169.254.169.254 and all of 169.254.0.0/16), or an address, such as 169.254.1.1:80.",
    ),
  maxWorkerConnections: int(1)
    .default(1000)
    .describe(
      "Maximum number of concurrent connections of one worker, including UDP flows of the last minutes; each uses an entry of the host's connection tracking table.",
    ),
}
