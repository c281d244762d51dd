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
      'docker: containers. swarm: tasks on the nodes of a Docker Swarm. process: child processes without isolation, for development, loopback only.',
    ),
  dockerHost: z
    .string()
    .optional()
    .describe('Address of the Docker engine; default: DOCKER_HOST, else the local socket.'),
  weakEngine: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe(
      'What to do with an engine on which functions are less closed in than on Docker: one without root on control groups 1, one that cannot limit memory or filter system calls, Podman. refuse: the server does not start, and says why.',
    ),
  link: z
    .enum(['auto', 'folder', 'tcp'])
    .default('auto')
    .describe(
      'How workers and the server find each other. folder: by a folder that the engine sees too; tcp: workers connect to the server. auto: folder where the engine sees our files, else tcp.',
    ),
  linkAddress: z
    .string()
    .regex(/^[\w.-]+(:\d{1,5})?$/, 'must be an address, with :PORT where the port is to be a certain one')
    .optional()
    .describe(
      "With tcp: address of this machine as the engine's containers reach it, with :PORT where a firewall has to know it; default: found out.",
    ),
  linkTls: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe(
      'Whether TCP between workers and the server is encrypted (TLS 1.3, with a certificate of each start). auto: where it leaves this machine. It costs each worker a second process.',
    ),
  untrustedOciRuntime: z
    .string()
    .optional()
    .describe('OCI runtime (as the engine names it, such as runsc) for workers of runtimes that are not trusted.'),
  imageAllow: list
    .default([])
    .describe(
      'Images that functions of members may be, separated by commas, as members write them; * stands for any characters, as in registry.example.org/team/*. Admins may take any. Default: any image.',
    ),
  sandboxes: list
    .default(['runsc', 'kata'])
    .describe(
      'OCI runtimes, as the engine calls them, that functions may ask for ("sandbox"), separated by commas: those that isolate more than its default.',
    ),
  cgroupParent: z
    .string()
    .regex(/^[\w.@:/-]+$/, 'must be a control group: a path such as /taibai-workers, or a slice such as workers.slice')
    .optional()
    .describe(
      "Control group of the engine's machine that all workers are below, so that limits and weight are set for all of them: a path, or a slice of systemd where the engine uses that; default: the engine's.",
    ),
  nice: int(-20, 19)
    .default(-10)
    .describe(
      'How far the server goes before other programs for the processor (-20 to 19; below 0 only as root): the calls of all functions come through it.',
    ),
  workerUid: int(1, lastUid).default(64000).describe('User id of the first worker, and group of all.'),
  workerUids: int(1, lastUid)
    .default(1000)
    .describe('User ids from there on, one for each worker: what the kernel counts by user is used up for no other.'),

  imagesHighWaterMb: int(0)
    .default(0)
    .describe(
      'Size of the images that this server fetched for functions, in MiB: beyond it those that nothing uses are removed, oldest first; 0: never.',
    ),
  egressAllow: list
    .default([])
    .refine((entries) => entries.every((entry) => egressEntry.test(entry)), {
      message: 'each entry is host, metadata or an IPv4 address or network, with a :port where only that is meant',
    })
    .describe(
      "Destinations, separated by commas, that functions with a network may reach although they are blocked by default: host (the host's own services), host:PORT, metadata (the cloud's address 169.254.169.254 and all of 169.254.0.0/16), or an address, such as 169.254.1.1:80.",
    ),
  maxWorkerConnections: int(1)
    .default(1000)
    .describe(
      'Most connections of one worker at once, including UDP flows of the last minutes; each takes an entry of the connection table of the host.',
    ),
}
