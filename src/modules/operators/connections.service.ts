import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import { z } from 'zod'
import { Cluster, type Question } from '../../cluster/ask.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { refuse } from '../../errors.js'
import { instant } from '../../fields.contract.js'
import { Page, toPage } from '../../pagination.js'
import { inOrder, NodeConnections } from './node-connections.js'
import {
  type Connection,
  type ConnectionsPageQuery,
  type ConnectionsQuery,
  connectionsQuery,
  type OpenConnection,
  openConnection,
} from './operators.contract.js'

const which: Question<ConnectionsQuery, OpenConnection[]> = {
  name: 'which connections',
  query: connectionsQuery,
  answer: z.array(openConnection),
}

const close: Question<string, boolean> = {
  name: 'close a connection',
  query: z.string(),
  answer: z.boolean(),
}

const order = 'connections'
const place = z.tuple([instant, z.string()])

/** The sockets and streams of all nodes. */
@Service()
export class ConnectionsService {
  @Autowired(Cluster) private cluster!: Cluster
  @Autowired(NodeConnections) private own!: NodeConnections

  @PostConstruct()
  answerOthers(): void {
    this.cluster.answer(which, query => this.own.list(query))
    this.cluster.answer(close, id => this.own.close(id))
  }

  /** The oldest first. `missingNodes` names those that did not say what they have. */
  async list({ cursor, limit, ...filter }: ConnectionsPageQuery): Promise<Page<Connection>> {
    const after = cursor === undefined ? undefined : decodeCursor(order, place, cursor)
    const { answers, missing } = await this.cluster.ask(which, { ...filter, after, limit: limit + 1 })
    const found = answers.flatMap(({ node, answer }) => answer.map(open => ({ ...open, node })))
    const page = toPage(found.sort(inOrder), limit, last => encodeCursor(order, [last.connectedAt, last.id]))
    return new Page(page.items, { ...page.meta, missingNodes: missing })
  }

  /** Closes one, wherever it is. Errors: CONNECTION_NOT_FOUND, NODES_SILENT where a node that may have it is. */
  async close(connectionId: string): Promise<void> {
    const { answers, missing } = await this.cluster.ask(close, connectionId)
    if (answers.some(({ answer }) => answer)) return
    throw missing.length > 0
      ? refuse('NODES_SILENT', { retryAfterMs: 1_000 })
      : refuse('CONNECTION_NOT_FOUND')
  }
}
