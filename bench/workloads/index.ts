import type { Workload } from '../lab/workload.js'
import { chatWorkloads } from './chat.js'
import { coldStart } from './cold-start.js'
import { connectStorm, idleSockets, presence } from './connections.js'
import { embeddedWorkloads } from './embedded.js'
import { historyWorkloads } from './history.js'
import { quietChannels } from './quiet-channels.js'
import { restWorkloads } from './rest.js'
import { statsWorkloads } from './stats.js'
import { streamWorkloads } from './streams.js'
import { taskWorkloads } from './tasks.js'

/** All of them, in the order in which they are run and told of. */
export const workloads: readonly Workload[] = [
  ...chatWorkloads,
  quietChannels,
  connectStorm,
  presence,
  idleSockets,
  ...restWorkloads,
  ...historyWorkloads,
  ...taskWorkloads,
  ...statsWorkloads,
  ...streamWorkloads,
  ...embeddedWorkloads,
  coldStart,
]
