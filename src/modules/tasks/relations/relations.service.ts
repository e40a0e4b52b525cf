import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../../access/access.js'
import { invalid } from '../../../errors.js'
import { Events } from '../../../events.js'
import { type Actor, originOf } from '../changes/actor.js'
import type { Task } from '../tasks.contract.js'
import type { Relation, RelationKind } from './relations.contract.js'
import { RelationsRepository } from './relations.repository.js'

/** What a task is to another one, which is named by its id. */
interface Related {
  kind: RelationKind
  taskId: string
}

@Service()
export class RelationsService {
  @Autowired(Access) private access!: Access
  @Autowired(RelationsRepository) private relations!: RelationsRepository
  @Autowired(Events) private events!: Events

  /** Between two tasks of one workspace, both of which the user sees. */
  async add(actor: Actor, taskId: string, { kind, taskId: otherId }: Related): Promise<Relation> {
    const one = await this.access.task(actor, taskId)
    if (taskId === otherId) throw invalid('body.taskId', 'is the task itself')
    const other = await this.access.task(actor, otherId)
    if (one.workspaceId !== other.workspaceId) throw invalid('body.taskId', 'is a task of another workspace')
    const { relation, changed } = await this.relations.add(actor.id, { one, kind, other })
    this.announce(actor, changed)
    return relation
  }

  /** Only who sees both tasks may know that they are related. */
  async remove(actor: Actor, taskId: string, { kind, taskId: otherId }: Related): Promise<void> {
    const one = await this.access.task(actor, taskId)
    const other = await this.access.task(actor, otherId)
    this.announce(actor, await this.relations.remove(actor.id, { one, kind, other }))
  }

  private announce(actor: Actor, changed: readonly Task[]) {
    for (const task of changed) this.events.emit('task.updated', { task, ...originOf(actor) })
  }
}
