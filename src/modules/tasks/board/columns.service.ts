import { Autowired, Service } from '@forinda/kickjs-core'
import type { z } from 'zod'
import { Access } from '../../../access/access.js'
import type { Asker } from '../../../access/asker.js'
import { Events } from '../../../events.js'
import type { addStatus, ProjectStatus, updateStatus } from './columns.contract.js'
import { ColumnsRepository } from './columns.repository.js'

interface Place {
  id: string
  workspaceId: string
}

/** Who manages the project decides on the columns of its board. */
@Service()
export class ColumnsService {
  @Autowired(Access) private access!: Access
  @Autowired(ColumnsRepository) private columns!: ColumnsRepository
  @Autowired(Events) private events!: Events

  async add(actor: Asker, projectId: string, given: z.output<typeof addStatus.body>): Promise<ProjectStatus> {
    const project = await this.access.projectToManage(actor, projectId)
    const { column, lastSeq } = await this.columns.add(actor.id, project, given)
    this.announce(project, lastSeq)
    return column
  }

  async update(
    actor: Asker,
    projectId: string,
    key: string,
    changes: z.output<typeof updateStatus.body>,
  ): Promise<ProjectStatus> {
    const project = await this.access.projectToManage(actor, projectId)
    const { column, lastSeq } = await this.columns.update(actor.id, project, key, changes)
    this.announce(project, lastSeq)
    return column
  }

  async remove(actor: Asker, projectId: string, key: string, into: string): Promise<void> {
    const project = await this.access.projectToManage(actor, projectId)
    this.announce(project, await this.columns.remove(actor.id, project, key, into))
  }

  /** One wake-up, however many tasks went along: whoever shows the board loads it afresh. */
  private announce({ id: projectId, workspaceId }: Place, lastSeq: number | undefined) {
    if (lastSeq === undefined) return
    this.events.emit('project.updated', { workspaceId, projectId })
    this.events.emit('project.advanced', { workspaceId, projectId, lastSeq })
  }
}
